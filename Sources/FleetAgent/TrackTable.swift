import FleetModel
import UnitFile

/// The tracks of all units.
struct TrackTable: Hashable, Sendable {
    private var tracks: [UnitName: Boxed<UnitTrack>] = [:]

    var isEmpty: Bool { tracks.isEmpty }

    /// In no order.
    var units: Set<UnitName> { Set(tracks.keys) }

    /// Every track, in the order of names.
    var sorted: [UnitTrack] { tracks.sorted { $0.key < $1.key }.map(\.value.value) }

    subscript(unit: UnitName) -> UnitTrack? {
        get { tracks[unit]?.value }
        set { tracks[unit] = newValue.map(Boxed.init) }
    }

    /// Takes the track out.
    mutating func remove(_ unit: UnitName) -> UnitTrack? {
        tracks.removeValue(forKey: unit)?.value
    }
}
