import ArgumentParser
import FleetAPI

/// `destroy`: stops units and removes them from the registry.
struct Destroy: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Stop units and remove them from the registry.",
        discussion: """
            The command waits until the units' processes have ended.
            """
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, wait: wait, context: context)
            .run(.destroy, names: units)
    }
}
