import ArgumentParser
import FleetAPI

/// `start`: starts units.
struct Start: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start units on the machines that suit them.",
        discussion: """
            Units that are not stored yet are submitted first. The command waits until each unit is active or has failed,
            and exits 1 if one has.
            """
    )

    @Argument(help: ArgumentHelp("Names of units, or paths of unit files.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var files: FileOptions
    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, wait: wait, context: context)
            .run(.start, files: units, files)
    }
}
