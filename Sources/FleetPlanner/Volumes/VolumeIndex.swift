import FleetModel
import UnitFile

/// Which units stick to which volumes: where one of them is decides where the others may be.
struct VolumeIndex: Equatable, Sendable {
    private var entries: [UnitName: [VolumeName]] = [:]
    private var users: [VolumeName: Set<UnitName>] = [:]

    /// Sorted.
    func volumes(of unit: UnitName) -> [VolumeName] { entries[unit] ?? [] }

    func users(of volume: VolumeName) -> Set<UnitName> { users[volume] ?? [] }

    /// Takes over what `snapshot` says of these units. Returns all units that a change of these units, of the homes of
    /// these volumes, or of these machines concerns by way of a volume.
    mutating func update(
        _ units: Set<UnitName>,
        volumes: Set<VolumeName>,
        machines: Set<MachineID>,
        from snapshot: Snapshot
    ) -> Set<UnitName> {
        var touched = volumes
        for name in units {
            let old = entries[name] ?? []
            let new = snapshot.units[name].map(snapshot.stickyVolumes) ?? []
            touched.formUnion(old)
            touched.formUnion(new)
            guard old != new else { continue }
            for volume in old {
                users[volume]?.remove(name)
                if users[volume]?.isEmpty == true { users[volume] = nil }
            }
            for volume in new { users[volume, default: []].insert(name) }
            entries[name] = new.isEmpty ? nil : new
        }
        if !machines.isEmpty {
            // What is known of a volume depends on whether its machine is there.
            for (volume, home) in snapshot.volumeHomes where machines.contains(home.machine) { touched.insert(volume) }
        }
        return touched.reduce(into: []) { concerned, volume in
            concerned.formUnion(users[volume] ?? [])
            // It lets go of the home when nobody else keeps to it.
            if let home = snapshot.volumeHomes[volume] { concerned.insert(home.unit) }
        }
    }
}
