import ArgumentParser
import FleetAPI

/// `restart`: stops and starts units where they are.
struct Restart: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Stop and start units where they are.",
        discussion: """
            A unit that is only loaded is started.
            """
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, wait: wait, context: context)
            .run(.restart, names: units)
    }
}
