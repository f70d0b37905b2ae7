import ArgumentParser
import FleetAPI

/// `brake`: whether the fleet holds the units of lost machines back.
struct BrakeCommand: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "brake",
        abstract: "Show whether units of lost machines are held back; 'brake release' lets them move.",
        discussion: """
            When more than half of the machines are lost at once, nothing is moved off them: it is likelier that the
            network is cut than that they are gone. It ends by itself when enough of them are back.
            """
    )

    @Argument(help: ArgumentHelp("'show' (default) or 'release'.", valueName: "action"))
    var action = "show"

    @Flag(help: "Print one JSON document.")
    var json = false

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        guard ["show", "release"].contains(action) else {
            throw Failure.usage("brake knows 'show' and 'release', not \"\(action)\"")
        }
        let client = try APIClient(global, in: context)
        let report = action == "release" ? try client.releaseBrake() : try client.brake()
        if json {
            context.console.print(try JSONText.document(report))
            return ExitStatus.success
        }
        let machines = report.machines.map(\.nameWithLegend).joined(separator: ", ")
        if let since = report.since, action == "show" {
            context.console.print(
                "The brake is on since \(context.zone.full(since)): \(report.machines.count) machines are lost"
            )
            context.console.print("Nothing is moved off \(machines)")
            context.console.print("'fleetctl brake release' lets their units move")
        } else if action == "release" {
            context.console.print("Released: units of lost machines are moved now")
        } else {
            context.console.print("The brake is off")
        }
        return ExitStatus.success
    }
}
