import FleetAPI
import FleetModel
import UnitFile

/// The table of `volumes`.
enum VolumeTable {
    static var listing: Listing<VolumeListing.Row> {
        Listing(
            standard: ["volume", "unit", "machine", "size", "state"],
            columns: [
                .init("volume") { row, _ in row.volume.description },
                .init("unit") { row, _ in
                    (row.units + [row.formerUnit].compactMap(\.self)).map(\.description).joined(separator: ",")
                },
                .init("machine") { row, layout in row.machine.legend(isFull: layout.isFull) },
                .init("hostname") { row, _ in row.machine.hostname },
                .init("size") { row, _ in size(row) },
                .init("state") { row, _ in row.state.rawValue },
                .init("created") { row, layout in row.created.map(layout.zone.full) ?? "" },
                .init("seen") { row, layout in row.seen.map(layout.zone.full) ?? "" },
                .init("since") { row, layout in row.homeSince.map(layout.zone.full) ?? "" },
            ]
        )
    }

    private static func size(_ row: VolumeListing.Row) -> String {
        guard let bytes = row.bytes else { return "" }
        return (row.isMore == true ? ">" : "") + Self.size(bytes)
    }

    /// In powers of 1024 with one digit behind the point, as systemd writes sizes: `8.0K`, `1.5G`.
    static func size(_ bytes: Int64) -> String {
        var (size, unit) = (bytes, "B")
        var tenths = bytes * 10
        for next in ["K", "M", "G", "T", "P"] where size >= 1024 {
            (size, tenths, unit) = (size / 1024, size * 10 / 1024, next)
        }
        return unit == "B" ? "\(bytes)B" : "\(tenths / 10).\(tenths % 10)\(unit)"
    }
}
