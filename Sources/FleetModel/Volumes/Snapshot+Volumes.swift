package import UnitFile

extension Snapshot {
    /// The volumes that the unit may not leave behind, sorted. A global unit has one of each on every machine, and
    /// sticks to none.
    package func stickyVolumes(of unit: Unit) -> [VolumeName] {
        guard !unit.volumes.isEmpty, !unit.options.isGlobal, !unit.name.isTemplate,
            unit.options.volumePolicy != .lose
        else { return [] }
        return volumes(of: unit) { $0.options.volumePolicy != .lose }
    }

    /// All volumes that the unit's file names, whether it keeps to them or not, sorted.
    package func namedVolumes(of unit: Unit) -> [VolumeName] { volumes(of: unit) { _ in true } }

    /// The volumes that it names and does not keep to, sorted: it leaves them behind, or has one of each on every
    /// machine.
    package func looseVolumes(of unit: Unit) -> [VolumeName] {
        guard !unit.volumes.isEmpty, !unit.name.isTemplate else { return [] }
        let kept = Set(stickyVolumes(of: unit))
        return namedVolumes(of: unit).filter { !kept.contains($0) }
    }

    /// The volumes whose home binds nobody any more, sorted: the unit for which it was written names them and does not
    /// keep to them now, and no other unit keeps to them. A home stays when that unit is gone, or has a file that does
    /// not name them: it may come back to its data.
    package func needlessHomes(of unit: Unit, isKept: (VolumeName) -> Bool) -> [VolumeName] {
        var loose = looseVolumes(of: unit)
        if unit.options.isGlobal { loose += unit.volumes.states }
        return Set(loose).filter { volumeHomes[$0]?.unit == unit.name && !isKept($0) }.sorted()
    }

    /// The volumes of the unit of which only podman's folder is known to be empty, and never the data: those whose
    /// `.volume` file says that they are elsewhere.
    package func opaqueVolumes(of unit: Unit) -> [VolumeName] {
        let plain = Set(volumes(of: unit) { !$0.volumes.isOpaque })
        return namedVolumes(of: unit).filter { !plain.contains($0) }
    }

    /// `counts` is asked about files beside the unit's own: their policy is for all who use them.
    private func volumes(of unit: Unit, counts: (Unit) -> Bool) -> [VolumeName] {
        guard !unit.volumes.isEmpty else { return [] }
        func named(by files: [QuadletName], for unit: UnitName) -> [VolumeName] {
            files.compactMap { name in
                let file = readable(name)
                guard file.map(counts) ?? true else { return nil }
                return VolumeName(file?.volumes.own ?? .standardVolume(name), of: unit)
            }
        }
        var found = Set(unit.volumes.names)
        if unit.options.volumePolicy != nil { found.formUnion(unit.volumes.states) }
        if let own = unit.volumes.own.flatMap({ VolumeName($0, of: unit.name) }), counts(unit) { found.insert(own) }
        found.formUnion(named(by: unit.volumes.files, for: unit.name))
        var seen: Set<UnitName> = [unit.name]
        var open = unit.volumes.beside
        while let name = open.popLast() {
            guard let other = readable(name), seen.insert(other.name).inserted else { continue }
            open += other.volumes.beside
            guard counts(other) else { continue }
            // The other one's service makes its volumes, so the names are filled in as that one's.
            found.formUnion(other.volumes.names)
            found.formUnion(named(by: other.volumes.files, for: other.name))
        }
        return found.sorted()
    }

    private func readable(_ source: QuadletName) -> Unit? {
        (unitsBySource[source] ?? []).sorted().lazy.compactMap { self.units[$0] }.first { $0.quadlet != nil }
    }

    /// The units that name each volume, sorted; those that are global or leave it behind included. For listings and
    /// checks; planning has an index of its own.
    package func unitsByVolume() -> [VolumeName: [UnitName]] {
        var users: [VolumeName: [UnitName]] = [:]
        for unit in units.values.sorted(by: { $0.name < $1.name }) where !unit.volumes.isEmpty {
            for volume in namedVolumes(of: unit) { users[volume, default: []].append(unit.name) }
        }
        return users
    }

    /// Whether the machine has said that the volume holds nothing there: the unit's present run has failed, or it is
    /// only loaded, and with that came the word that none of the volume's data exist. Such a run does not start again,
    /// so the word does not grow old. It is about the volumes that the assignment names, and about no others that the
    /// unit kept to before or is to keep to next. While the machine is away, nothing is known.
    package func holdsNothing(_ volume: VolumeName, of unit: UnitName, on machine: MachineID) -> Bool {
        guard volumeHomes[volume]?.isShared != true, machines[machine]?.presence != nil,
            let assignment = assignments[unit]?[machine],
            assignment.volumes?.contains(volume) == true,
            let status = statuses[unit]?[machine], status.run == assignment.run,
            status.active == "failed" || status.active == "inactive",
            status.failure != nil || (status.settled && assignment.target == .loaded)
        else { return false }
        guard let held = status.volumes, !held.contains(volume) else { return false }
        return units[unit].map { !opaqueVolumes(of: $0).contains(volume) } ?? true
    }
}
