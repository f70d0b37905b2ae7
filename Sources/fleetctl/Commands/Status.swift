import ArgumentParser
import FleetAPI
import UnitFile

/// `status`: how units are, as `systemctl status` shows it.
struct Status: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how units are, with their newest journal lines.",
        discussion: "Exits 0 if every unit is active, 3 if one is not, and 4 if there is no such unit."
    )

    /// As many as systemctl shows.
    private static let journalLines = 10

    @Argument(help: ArgumentHelp("Names of units.", valueName: "unit"))
    var units: [String] = []

    @Flag(help: "Print one JSON document: a list of units.")
    var json = false

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let units = try UnitArgument.all(units)
        let client = try APIClient(global, in: context)
        var details: [UnitDetail] = []
        var status = ExitStatus.success
        for (index, unit) in units.enumerated() {
            let detail: UnitDetail
            do {
                detail = try client.unit(unit.stored)
            } catch let refusal as APIError where refusal.error.code == 404 {
                context.console.complain("Unit \(unit.stored) does not exist.")
                if status == ExitStatus.success { status = ExitStatus.noSuchUnit }
                continue
            }
            details.append(detail)
            let journal = json ? nil : journal(of: detail, client)
            let text = StatusText(detail: detail, journal: journal, zone: context.zone, now: context.now())
            if !json { context.console.print((index > 0 ? "\n" : "") + text.render()) }
            if status == ExitStatus.success { status = text.exitStatus }
        }
        if json { context.console.print(try JSONText.document(details)) }
        return status
    }

    /// The journal is an extra here: without it, the rest is still worth showing.
    private func journal(of detail: UnitDetail, _ client: APIClient) -> [JournalLine]? {
        var lines: [JournalLine] = []
        do {
            try client.journal(of: detail.row.name.description, lines: Self.journalLines) { lines.append($0) }
        } catch {
            return nil
        }
        return lines
    }
}
