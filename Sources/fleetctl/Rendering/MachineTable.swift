import FleetAPI
import FleetModel

/// The table of `list-machines`.
enum MachineTable {
    static var listing: Listing<MachineListing.Row> {
        Listing(
            standard: ["machine", "ip", "metadata"],
            columns: [
                .init("machine") { row, layout in
                    layout.isFull ? row.machine.id.description : row.machine.id.short + "..."
                },
                .init("ip") { row, _ in row.machine.primaryIP },
                .init("metadata") { row, _ in metadata(row.metadata) },
                .init("hostname") { row, _ in row.machine.hostname },
                .init("state") { row, _ in row.state },
                .init("version") { row, _ in row.version },
                .init("systemd") { row, _ in row.systemdVersion },
                .init("units") { row, _ in String(row.units) },
                .init("since") { row, layout in row.since.map(layout.zone.full) ?? "" },
            ]
        )
    }

    /// The machines to show: fleet's list had only those that are there.
    static func rows(_ listing: MachineListing, includingLost: Bool) -> [MachineListing.Row] {
        listing.machines.filter { includingLost || $0.state != "lost" }.sorted { $0.machine.id < $1.machine.id }
    }

    /// `key=value` pairs by key.
    private static func metadata(_ pairs: [String: String]) -> String {
        pairs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
