import FleetModel
import UnitFile

/// What must be so of volumes after a plan, derived without the planner's index and in its plainest form.
extension AuditedOutcome {
    /// Whether the volume's data are, or may be, on another machine, so that the unit may not be on this one.
    func isKeptElsewhere(_ volume: VolumeName, of unit: UnitName, _ machine: MachineID) -> Bool {
        let home = home(after: volume)
        guard let home, home != machine else { return false }
        // What the plan has settled is where it says.
        guard home == snapshot.volumeHomes[volume]?.machine else { return true }
        return !mayLeave(volume, of: unit, on: home, for: machine)
    }

    /// Where the unit is its volumes are, and they are there by right. A machine that is not present has the unit as
    /// before, or has its volumes.
    func volumeFindings(of unit: Unit, on machines: [MachineID]) -> [AuditFinding] {
        var findings: [AuditFinding] = []
        for volume in snapshot.stickyVolumes(of: unit) {
            for machine in machines {
                let isChanged = assignments(of: unit.name)[machine] != snapshot.assignments[unit.name]?[machine]
                let mayBegin = isChanged && unit.target.state == .launched
                guard snapshot.machines[machine]?.presence != nil || mayBegin else { continue }
                if home(after: volume) != machine { findings.append(.homeless(unit.name, machine, volume)) }
            }
        }
        return findings
    }

    /// A home is let go of by the unit that it is of, when neither that one nor any other keeps to it.
    func releaseFindings(of unit: UnitName, _ volumes: [VolumeName: MachineID]) -> [AuditFinding] {
        volumes.keys.sorted().compactMap { volume in
            if snapshot.volumeHomes[volume]?.machine != volumes[volume] {
                return .baseless(unit, "lets go of \(volume), which was not so")
            }
            if let home = snapshot.volumeHomes[volume], home.unit != unit {
                return .baseless(unit, "lets go of \(volume), the home of which is \(home.unit)'s")
            }
            if snapshot.units[unit] == nil { return .baseless(unit, "lets go of \(volume) and is not stored") }
            return keeper(of: volume).map { .baseless(unit, "lets go of \(volume), and \($0) keeps to it") }
        }
    }

    /// Homes that would stay although the unit leaves the data behind.
    func needlessHomes(of unit: Unit) -> [AuditFinding] {
        guard !unit.volumes.isEmpty, !unit.name.isTemplate else { return [] }
        let named = snapshot.namedVolumes(of: unit) + (unit.options.isGlobal ? unit.volumes.states : [])
        let left = Set(named).subtracting(snapshot.stickyVolumes(of: unit))
        return left.sorted().compactMap { volume in
            guard let home = snapshot.volumeHomes[volume], home.unit == unit.name, self.home(after: volume) != nil,
                keeper(of: volume) == nil
            else { return nil }
            return .clinging(unit.name, volume)
        }
    }

    /// Volumes that the unit uses where another one has brought them or uses them too, of which nothing will say so.
    func unsharedHomes(of unit: Unit, on machines: [MachineID]) -> [AuditFinding] {
        guard let machine = machines.first, machines.count == 1 else { return [] }
        return snapshot.stickyVolumes(of: unit).compactMap { volume in
            guard home(after: volume) == machine, !shared.contains(volume) else { return nil }
            let isNew = snapshot.volumeHomes[volume]?.machine != machine
            let isOthers =
                isNew ? hasOtherUser(volume, than: unit, on: machine) : isAnothers(volume, than: unit.name, on: machine)
            return isOthers ? .unshared(unit.name, volume) : nil
        }
    }

    private func hasOtherUser(_ volume: VolumeName, than unit: Unit, on machine: MachineID) -> Bool {
        snapshot.units.values.contains { other in
            other.name != unit.name && snapshot.stickyVolumes(of: other).contains(volume)
                && machines(of: other.name).contains(machine)
        }
    }

    /// Whether the volume was brought to the machine by another unit, and counts as that one's alone.
    func isAnothers(_ volume: VolumeName, than unit: UnitName, on machine: MachineID) -> Bool {
        guard let home = snapshot.volumeHomes[volume] else { return false }
        return home.machine == machine && home.unit != unit && home.isShared != true
    }

    private func keeper(of volume: VolumeName) -> UnitName? {
        snapshot.units.values.filter { snapshot.stickyVolumes(of: $0).contains(volume) }.map(\.name).min()
    }

    /// Leaving is by right when a user has asked for it, or when the unit's run there is over, its machine was asked
    /// about the volume and has said that nothing is there, and no other unit that uses the volume was there since.
    func mayLeave(_ volume: VolumeName, of unit: UnitName, on home: MachineID, for machine: MachineID) -> Bool {
        if let wish = snapshot.moves[unit], wish.to == machine, wish.losesVolumes == true { return true }
        let others = snapshot.units.values.filter {
            $0.name != unit && snapshot.stickyVolumes(of: $0).contains(volume)
        }
        let isShared = others.contains { other in
            snapshot.assignments[other.name]?[home] != nil || snapshot.statuses[other.name]?[home] != nil
                || self.machines(of: other.name).contains(home)
        }
        guard !isShared, snapshot.volumeHomes[volume]?.isShared != true,
            snapshot.machines[home]?.presence != nil, let status = snapshot.statuses[unit]?[home],
            let assignment = snapshot.assignments[unit]?[home]
        else { return false }
        let isOver = status.run == assignment.run && ["failed", "inactive"].contains(status.active)
        let staysDown = status.failure != nil || (status.settled && assignment.target == .loaded)
        let wasAsked = assignment.volumes?.contains(volume) ?? false
        guard isOver, staysDown, wasAsked, let held = status.volumes else { return false }
        let isOpaque = snapshot.units[unit].map { snapshot.opaqueVolumes(of: $0).contains(volume) } ?? false
        return !held.contains(volume) && !isOpaque
    }
}
