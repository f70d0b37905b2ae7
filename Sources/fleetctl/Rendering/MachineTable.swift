import FleetAPI
import FleetModel

/// The table of `list-machines`.
enum MachineTable {
    static var listing: Listing<MachineListing.Row> {
        Listing(
            standard: ["machine", "ip", "metadata", "state", "age"],
            columns: [
                .init("machine") { row, layout in
                    layout.isFull ? row.machine.id.description : row.machine.id.short + "..."
                },
                .init("ip") { row, _ in row.machine.primaryIP },
                .init("metadata") { row, _ in metadata(row.metadata) },
                .init("hostname") { row, _ in row.machine.hostname },
                .init("state") { row, _ in row.state.rawValue },
                .init("age") { row, layout in row.stateSince.map { Age.span(since: $0, now: layout.now) } ?? "" },
                .init("reason") { row, _ in row.orders.cordoned?.reason ?? "" },
                .init("faults") { row, _ in row.faults.map(String.init) ?? "" },
                .init("version") { row, _ in row.version },
                .init("systemd") { row, _ in row.systemdVersion },
                .init("podman") { row, _ in row.podman?.description ?? "" },
                .init("units") { row, _ in String(row.units) },
                .init("since") { row, layout in row.since.map(layout.zone.full) ?? "" },
            ]
        )
    }

    /// The machines to show.
    static func rows(_ listing: MachineListing) -> [MachineListing.Row] {
        listing.machines.sorted { $0.machine.id < $1.machine.id }
    }

    /// `key=value` pairs by key.
    private static func metadata(_ pairs: [String: String]) -> String {
        pairs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
