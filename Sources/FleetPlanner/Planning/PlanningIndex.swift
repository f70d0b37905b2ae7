package import FleetModel
package import UnitFile

/// What the planner would otherwise search the whole snapshot for. Kept in step by `update`, which returns what the
/// change made dirty; equal to an index made from scratch at every moment (property test).
package struct PlanningIndex: Equatable, Sendable {
    /// Every machine that is known or has assignments, in the order of ids. A *slot* is a position in here.
    private(set) var hosts: [Host] = []
    private(set) var slots: [MachineID: Int] = [:]
    /// Units by a unit they are `MachineOf=`.
    private(set) var followers: [UnitName: Set<UnitName>] = [:]
    /// Units by the pod that they are in.
    private(set) var pods: [QuadletName: Set<UnitName>] = [:]
    /// Global units that should run or be loaded.
    private(set) var globals: Set<UnitName> = []
    /// Ordinary units that should run or be loaded and are on no machine that is present.
    private(set) var pending: Set<UnitName> = []
    /// Units that declare `Replaces=`.
    private(set) var replacers: Set<UnitName> = []
    /// Units that wait to be tried again, with the times.
    private(set) var retries: [UnitName: [RetryTime]] = [:]
    private var entries: [UnitName: Entry] = [:]
    /// Which Quadlet files name which.
    private var quadlets = QuadletIndex()
    /// Which units stick to which volumes.
    private(set) var volumes = VolumeIndex()

    /// What a unit has contributed, to take it back when it changes.
    private struct Entry: Equatable, Sendable {
        var machines: Set<MachineID> = []
        var relations = Relations()
        var isActive = false
        var isGlobal = false
        var isTemplate = false

        var mayBePending: Bool { isActive && !isGlobal && !isTemplate }
    }

    package init() {}

    package init(_ snapshot: Snapshot) {
        for machine in Set(snapshot.machines.keys).union(snapshot.unitsByMachine.keys).sorted() {
            slots[machine] = hosts.count
            hosts.append(Host(id: machine))
            describe(machine, in: snapshot)
        }
        for unit in Set(snapshot.units.keys).union(snapshot.assignments.keys) { _ = replace(unit, in: snapshot) }
        _ = quadlets.update(Set(snapshot.units.keys), from: snapshot)
        _ = volumes.update(Set(snapshot.units.keys), volumes: [], machines: [], from: snapshot)
    }

    /// Takes over what `snapshot` says of these units and machines, and of the homes of these volumes.
    package mutating func update(
        units: Set<UnitName>,
        machines: Set<MachineID>,
        volumes homes: Set<VolumeName> = [],
        from snapshot: Snapshot
    ) -> Dirty {
        var dirty = DirtyParts(units: units)
        for machine in machines where refresh(machine, in: snapshot) { dirty.machines.insert(machine) }
        for unit in units {
            let (old, new) = replace(unit, in: snapshot)
            if old != new { dirty.machines.formUnion(old.machines.union(new.machines)) }
            if old.relations.replaces != new.relations.replaces || old.relations.machineOf != new.relations.machineOf
                || old.relations.pod != new.relations.pod
            {
                dirty.replacements = true
            }
            // Those that it leaves may have followed it.
            if let pod = old.relations.pod, pod != new.relations.pod { dirty.units.formUnion(pods[pod] ?? []) }
        }
        dirty.units.formUnion(quadlets.update(units, from: snapshot))
        let concerned = volumes.update(dirty.units, volumes: homes, machines: dirty.machines, from: snapshot)
        dirty.units.formUnion(concerned)
        for machine in machines.union(dirty.machines) { dropIfUnknown(machine, in: snapshot) }
        return .some(dirty)
    }

    /// The earliest time after `now` at which something has to be tried again; times of `units` do not count.
    func earliestRetry(after now: Timestamp, except units: Set<UnitName>) -> Timestamp? {
        retries.lazy.filter { !units.contains($0.key) }.flatMap(\.value).filter { !$0.isDue(now) }.map(\.at).min()
    }

    /// Units with something to be tried again by `now`.
    func due(by now: Timestamp) -> [UnitName] {
        retries.filter { $0.value.contains { $0.isDue(now) } }.map(\.key)
    }

    func relations(of unit: UnitName) -> Relations { entries[unit]?.relations ?? Relations() }

    /// True when anything that the planner asks of the machine has changed.
    private mutating func refresh(_ machine: MachineID, in snapshot: Snapshot) -> Bool {
        let slot = slot(of: machine)
        let before = hosts[slot]
        describe(machine, in: snapshot)
        for unit in hosts[slot].units { settlePending(unit) }
        let after = hosts[slot]
        return before.isPresent != after.isPresent || before.metadata != after.metadata
            || before.hostname != after.hostname || before.orders != after.orders
            || before.isBraked != after.isBraked || before.podman != after.podman
            || before.secretKeys != after.secretKeys || before.systemd != after.systemd
    }

    private mutating func describe(_ machine: MachineID, in snapshot: Snapshot) {
        guard let slot = slots[machine] else { return }
        let presence = snapshot.machines[machine]?.presence
        hosts[slot].isPresent = presence != nil
        hosts[slot].isBraked = presence == nil && snapshot.brake?.holds(machine) == true
        hosts[slot].hostname = presence?.hostname ?? ""
        hosts[slot].podman = presence?.podman
        hosts[slot].systemd = presence?.systemd
        hosts[slot].secretKeys = Set(presence?.secretKeys ?? [])
        hosts[slot].metadata = snapshot.machines[machine]?.metadata ?? [:]
        hosts[slot].orders = snapshot.machines[machine]?.orders ?? MachineOrders()
    }

    /// The machine's slot, made where there is none.
    private mutating func slot(of machine: MachineID) -> Int {
        if let slot = slots[machine] { return slot }
        let place = hosts.firstIndex { $0.id > machine } ?? hosts.count
        hosts.insert(Host(id: machine), at: place)
        renumber(from: place)
        return place
    }

    private mutating func dropIfUnknown(_ machine: MachineID, in snapshot: Snapshot) {
        guard let slot = slots[machine], hosts[slot].units.isEmpty, snapshot.machines[machine] == nil else { return }
        hosts.remove(at: slot)
        slots[machine] = nil
        renumber(from: slot)
    }

    private mutating func renumber(from start: Int) {
        for slot in start..<hosts.count { slots[hosts[slot].id] = slot }
    }

    private mutating func replace(_ name: UnitName, in snapshot: Snapshot) -> (old: Entry, new: Entry) {
        let unit = snapshot.units[name]
        var new = Entry()
        new.machines = Set((snapshot.assignments[name] ?? [:]).keys)
        if let unit {
            new.relations = Relations(unit)
            new.isActive = unit.target.state > .inactive
            new.isGlobal = unit.options.isGlobal
            new.isTemplate = name.isTemplate
        }
        let old = entries[name] ?? Entry()
        if old != new {
            withdraw(name, old)
            contribute(name, new)
            entries[name] = new == Entry() ? nil : new
        }
        settlePending(name)
        let times = unit.map { Hold.retryTimes(of: $0, in: snapshot) } ?? []
        retries[name] = times.isEmpty ? nil : times
        return (old, new)
    }

    private mutating func withdraw(_ name: UnitName, _ entry: Entry) {
        for machine in entry.machines {
            hosts[slot(of: machine)].remove(name, entry.relations, isActive: entry.isActive)
        }
        for peer in entry.relations.machineOf {
            followers[peer]?.remove(name)
            if followers[peer]?.isEmpty == true { followers[peer] = nil }
        }
        if let pod = entry.relations.pod {
            pods[pod]?.remove(name)
            if pods[pod]?.isEmpty == true { pods[pod] = nil }
        }
        globals.remove(name)
        replacers.remove(name)
    }

    private mutating func contribute(_ name: UnitName, _ entry: Entry) {
        for machine in entry.machines {
            hosts[slot(of: machine)].add(name, entry.relations, isActive: entry.isActive)
        }
        for peer in entry.relations.machineOf { followers[peer, default: []].insert(name) }
        if let pod = entry.relations.pod { pods[pod, default: []].insert(name) }
        if entry.isActive, entry.isGlobal, !entry.isTemplate { globals.insert(name) }
        if !entry.relations.replaces.isEmpty { replacers.insert(name) }
    }

    private mutating func settlePending(_ name: UnitName) {
        guard let entry = entries[name], entry.mayBePending else {
            pending.remove(name)
            return
        }
        let isHeld = entry.machines.contains { machine in slots[machine].map { hosts[$0].isPresent } ?? false }
        if isHeld { pending.remove(name) } else { pending.insert(name) }
    }
}
