import FleetModel
import UnitFile

/// The fleet as it would be with the decisions taken so far in one planning run: the index, and over it the machines
/// that have changed.
struct World {
    let snapshot: Snapshot
    let index: PlanningIndex
    /// nil: no deadline has passed.
    let now: Timestamp?
    private var changed: [Int: Host] = [:]
    /// `Host.load` of every slot, because ranking reads all of them for every unit.
    private(set) var loads: [Int]
    /// Slots of ordinary units that were placed or removed.
    private var moved: [UnitName: Set<Int>] = [:]
    /// Which units have taken volumes to which slots in this run; the last counts.
    private var claims: [VolumeName: [(unit: UnitName, slot: Int)]] = [:]

    init(snapshot: Snapshot, index: PlanningIndex, now: Timestamp?) {
        self.snapshot = snapshot
        self.index = index
        self.now = now
        loads = index.hosts.map(\.load)
    }

    var slotRange: Range<Int> { index.hosts.indices }

    func host(_ slot: Int) -> Host {
        if changed.isEmpty { return index.hosts[slot] }
        return changed[slot] ?? index.hosts[slot]
    }

    func isPresent(_ slot: Int) -> Bool { index.hosts[slot].isPresent }

    func has(_ unit: UnitName, on slot: Int) -> Bool { host(slot).units.contains(unit) }

    /// Where the unit is, in the order of machine ids.
    func slots(of unit: UnitName) -> [Int] {
        if let slots = moved[unit] { return slots.sorted() }
        return (snapshot.assignments[unit] ?? [:]).keys.compactMap { index.slots[$0] }.sorted()
    }

    func machines(of unit: UnitName) -> [MachineID] { slots(of: unit).map { index.hosts[$0].id } }

    /// Whether the replacement that `by` declares over `unit` counts.
    func replaces(_ by: UnitName, _ unit: UnitName) -> Bool {
        ReplacementOrder.counts(by, over: unit, in: snapshot, index)
    }

    mutating func place(_ name: UnitName, on slot: Int) {
        change(name, slot) { $0.add(name, $1, isActive: $2) }
        moved[name]?.insert(slot)
    }

    mutating func remove(_ name: UnitName, from slot: Int) {
        change(name, slot) { $0.remove(name, $1, isActive: $2) }
        moved[name]?.remove(slot)
    }

    // MARK: Volumes

    /// Where the volume's data are, or are going to be; nil for nowhere yet.
    func home(of volume: VolumeName) -> MachineID? {
        claims[volume]?.last.map { index.hosts[$0.slot].id } ?? snapshot.volumeHomes[volume]?.machine
    }

    /// The home is still the stored one.
    func isUnclaimed(_ volume: VolumeName) -> Bool { claims[volume]?.isEmpty ?? true }

    /// Takes the volumes along to the slot; returns those that were not at home there.
    mutating func claim(_ volumes: [VolumeName], for unit: UnitName, on slot: Int) -> [VolumeName] {
        let new = volumes.filter { home(of: $0) != index.hosts[slot].id }
        for volume in new {
            claims[volume, default: []].removeAll { $0.unit == unit }
            claims[volume, default: []].append((unit, slot))
        }
        return new
    }

    /// The unit has left the slot before the plan was done. Returns the volumes that are elsewhere by that.
    mutating func disclaim(_ volumes: [VolumeName], for unit: UnitName, on slot: Int) -> [VolumeName] {
        volumes.filter { volume in
            let before = home(of: volume)
            claims[volume]?.removeAll { $0.unit == unit && $0.slot == slot }
            return home(of: volume) != before
        }
    }

    private mutating func change(_ name: UnitName, _ slot: Int, _ body: (inout Host, Relations, Bool) -> Void) {
        if moved[name] == nil { moved[name] = Set(slots(of: name)) }
        let isActive = (snapshot.units[name]?.target.state ?? .inactive) > .inactive
        body(&changed[slot, default: index.hosts[slot]], index.relations(of: name), isActive)
        loads[slot] = changed[slot]?.load ?? loads[slot]
    }
}
