import FleetAPI
import FleetModel
import UnitFile

/// The table of `list-units`: one line for each unit and machine.
enum UnitTable {
    /// One line. `status` is nil where no machine has reported on a unit that should be somewhere.
    struct Row {
        var unit: UnitListing.Row
        var machine: MachineSummary?
        var status: UnitStatus?
    }

    static var listing: Listing<Row> {
        Listing(
            standard: ["unit", "machine", "active", "sub"],
            columns: [
                .init("unit") { row, _ in row.unit.name.description },
                .init("machine") { row, layout in row.machine?.legend(isFull: layout.isFull) ?? "" },
                .init("active") { row, _ in row.status?.active ?? "" },
                .init("sub") { row, _ in sub(row.status) },
                .init("load") { row, _ in row.status?.load ?? "" },
                .init("hash") { row, layout in
                    let hash = row.status?.file ?? row.unit.file
                    return layout.isFull ? hash.description : hash.short
                },
                .init("since") { row, layout in (row.status?.at).map(layout.zone.full) ?? "" },
                .init("health") { row, _ in row.status?.health?.state.rawValue ?? "" },
                .init("blocked") { row, _ in row.unit.blocked ?? "" },
                .init("kind") { row, _ in row.unit.source?.kind.rawValue ?? row.unit.name.type.rawValue },
                .init("reschedule") { row, _ in row.unit.reschedule ?? "" },
            ]
        )
    }

    /// Where a unit comes from a Quadlet file, what kind of file that is is worth a column of its own; a fleet without
    /// any has the columns that old fleet printed.
    static func listing(of rows: [Row]) -> Listing<Row> {
        var listing = listing
        if rows.contains(where: { $0.unit.source != nil }) { listing.standard.append("kind") }
        return listing
    }

    /// systemd knows nothing of a unit whose image is still on its way.
    private static func sub(_ status: UnitStatus?) -> String {
        guard let status, let pull = status.pull, !pull.hasFailed, status.active == "inactive" else {
            return status?.sub ?? ""
        }
        return "pulling"
    }

    /// Every reported state, by unit and machine; and a line without a state for an assigned machine that has not
    /// reported yet, and for a unit that should be somewhere and is nowhere.
    static func rows(_ listing: UnitListing) -> [Row] {
        listing.units.sorted { $0.name < $1.name }.flatMap(rows)
    }

    private static func rows(_ unit: UnitListing.Row) -> [Row] {
        let reported = Set(unit.states.map(\.machine.id))
        var rows = unit.states.map { Row(unit: unit, machine: $0.machine, status: $0.status) }
        rows += unit.assigned.filter { !reported.contains($0.id) }.map { Row(unit: unit, machine: $0, status: nil) }
        rows.sort { left, right in
            guard let left = left.machine, let right = right.machine else { return false }
            return left.id < right.id
        }
        if rows.isEmpty, unit.target != .inactive { rows = [Row(unit: unit, machine: nil, status: nil)] }
        return rows
    }
}
