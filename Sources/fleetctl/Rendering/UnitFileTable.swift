import FleetAPI
import FleetModel
import UnitFile

/// The table of `list-unit-files`: one line for each unit.
enum UnitFileTable {
    static var listing: Listing<UnitListing.Row> {
        Listing(
            standard: ["unit", "hash", "dstate", "state", "target"],
            columns: [
                .init("unit") { row, _ in row.name.description },
                .init("hash") { row, layout in layout.isFull ? row.file.description : row.file.short },
                .init("dstate") { row, _ in row.target.rawValue },
                .init("state") { row, _ in row.current?.rawValue ?? "" },
                .init("target", target),
                .init("tmachine", target),
                .init("desc") { row, _ in row.description },
                .init("global") { row, _ in String(row.isGlobal) },
                .init("blocked") { row, _ in row.blocked ?? "" },
                .init("kind") { row, _ in row.source?.kind.rawValue ?? row.name.type.rawValue },
                .init("reschedule") { row, _ in row.reschedule ?? "" },
            ]
        )
    }

    static func rows(_ listing: UnitListing) -> [UnitListing.Row] { listing.units.sorted { $0.name < $1.name } }

    @Sendable private static func target(_ row: UnitListing.Row, _ layout: Layout) -> String {
        row.isGlobal ? "global" : row.assigned.first?.legend(isFull: layout.isFull) ?? ""
    }
}
