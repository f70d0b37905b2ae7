import ArgumentParser
import FleetAPI

/// `stop`: stops units; they stay loaded on their machines.
struct Stop: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop units, and leave them loaded on their machines.",
        discussion: """
            The command waits until systemd has stopped them.
            """
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, wait: wait, context: context)
            .run(.stop, names: units)
    }
}
