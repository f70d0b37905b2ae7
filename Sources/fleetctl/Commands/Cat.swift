import ArgumentParser
import FleetAPI

/// `cat`: the stored text of units, byte for byte.
struct Cat: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat",
        abstract: "Print the stored file of units.",
        discussion: "The text is what was submitted, byte for byte."
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let units = try UnitArgument.all(units)
        let client = try APIClient(global, in: context)
        for (index, unit) in units.enumerated() {
            let text = try client.unit(unit.stored).text
            if units.count > 1 { context.console.write((index > 0 ? "\n" : "") + "# \(unit.stored)\n") }
            context.console.write(text)
        }
        return ExitStatus.success
    }
}
