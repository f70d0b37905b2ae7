import ArgumentParser
import FleetAPI

/// `unload`: stops units and takes them off their machines.
struct Unload: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Stop units and take them off their machines.",
        discussion: """
            They stay in the registry.
            """
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, wait: wait, context: context)
            .run(.unload, names: units)
    }
}
