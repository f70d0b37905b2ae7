import ArgumentParser
import FleetAPI

/// `load`: places units on machines and makes them known to systemd there.
struct Load: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Place units on machines without starting them.",
        discussion: """
            Units that are not stored yet are submitted first.
            """
    )

    @Argument(help: ArgumentHelp("Names of units, or paths of unit files.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var files: FileOptions
    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, wait: wait, context: context)
            .run(.load, files: units, files)
    }
}
