import ArgumentParser
import FleetAPI

/// `why`: the chain of causes that brought a unit where it is.
struct Why: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Tell what happened to units, and why.",
        discussion: """
            Who submitted the unit and when, why it was placed where it is, how it failed, when it is tried again, and why
            it may not go to other machines.
            """
    )

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @Flag(help: "Print one JSON document: a list of units.")
    var json = false

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let units = try UnitArgument.all(units)
        let client = try APIClient(global, in: context)
        var details: [UnitDetail] = []
        for unit in units { details.append(try client.unit(unit.stored)) }
        if json {
            context.console.print(try JSONText.document(details))
        } else {
            let stories = details.map { Story(detail: $0, zone: context.zone, now: context.now()).render() }
            context.console.print(stories.joined(separator: "\n"))
        }
        return ExitStatus.success
    }
}
