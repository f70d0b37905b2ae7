import ArgumentParser
import FleetAPI

/// `reset-failed`: forgets the failures of units.
struct ResetFailed: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-failed",
        abstract: "Forget the failures of units, and try again those that should run.",
        discussion: """
            Also for units that were given up.
            """
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, context: context)
            .run(.resetFailed, names: units)
    }
}
