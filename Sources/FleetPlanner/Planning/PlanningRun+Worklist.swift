import FleetModel
import UnitFile

/// What goes into the worklist: at the beginning, and after every change. This is where "clever equals dumb" is won or
/// lost: whatever a change could turn from nothing-to-do into something has to be named here.
extension PlanningRun {
    mutating func begin(with dirty: Dirty) {
        switch dirty {
        case .all:
            let names = Set(snapshot.units.keys).union(snapshot.assignments.keys).union(snapshot.moves.keys)
            for name in names { reconsider(name) }
        case .some(let parts):
            for name in parts.units {
                reconsider(name)
                reconsiderFollowers(of: name)
            }
            for machine in parts.machines { reconsider(machine) }
            if parts.replacements { reconsiderReplacements() }
            for name in index.due(by: now) { reconsider(name) }
            for slot in drained where index.hosts[slot].orders.draining?.isOverdue(now) == true {
                reconsiderAll(on: slot)
            }
        }
    }

    /// Everything that the machine has, could have, or should not have.
    private mutating func reconsider(_ machine: MachineID) {
        guard let slot = index.slots[machine] else { return }
        let host = index.hosts[slot]
        for name in host.units { reconsider(name, on: slot) }
        guard host.isPresent else {
            for (name, wish) in snapshot.moves where wish.to == host.id { reconsider(name) }
            return
        }
        for name in index.pending where mayEverHave(name, slot) { reconsider(name) }
        for other in drained where other != slot {
            for name in index.hosts[other].units where mayEverHave(name, slot) { reconsider(name, on: other) }
        }
        for (name, wish) in snapshot.moves where wish.to == host.id { reconsider(name) }
        for name in index.globals { reconsiderGlobal(name, on: slot) }
    }

    /// Which replacements count has changed somewhere: everyone who is together with a unit that declares one, and all
    /// who wait, may be concerned. Units with `Replaces=` are few.
    private mutating func reconsiderReplacements() {
        for slot in index.hosts.indices where !index.hosts[slot].replaces.isEmpty {
            for name in index.hosts[slot].units { reconsider(name, on: slot) }
            for name in index.globals { reconsiderGlobal(name, on: slot) }
        }
        for name in index.pending { reconsider(name) }
        for slot in drained { reconsiderAll(on: slot) }
    }

    private func mayEverHave(_ name: UnitName, _ slot: Int) -> Bool {
        guard let unit = snapshot.units[name] else { return false }
        return Eligibility.lasting(unit, on: index.hosts[slot], as: .newcomer, in: world) == nil
    }

    mutating func reconsider(_ name: UnitName) {
        work.insert(Worklist.Element(phase: phase(of: name), unit: name))
    }

    mutating func reconsiderGlobal(_ name: UnitName, on slot: Int) {
        work.insert(Worklist.Element(phase: .global, unit: name, slot: slot))
    }

    /// Looks again at a unit because of one machine it is on.
    mutating func reconsider(_ name: UnitName, on slot: Int) {
        if phase(of: name) == .global {
            reconsiderGlobal(name, on: slot)
        } else {
            reconsider(name)
        }
    }

    mutating func reconsiderFollowers(of name: UnitName) {
        for follower in index.followers[name] ?? [] { reconsider(follower) }
        guard let pod = index.relations(of: name).pod else { return }
        for other in index.pods[pod] ?? [] where other != name { reconsider(other) }
    }

    /// Looks again at those who may have been kept off a machine by a unit that has just left it.
    mutating func reconsiderThoseInWait(for name: UnitName, on slot: Int) {
        let relations = index.relations(of: name)
        let isKnownToKeepOff = !relations.conflicts.isEmpty || !relations.replaces.isEmpty
        func mayHaveWaited(_ other: UnitName) -> Bool {
            guard other != name else { return false }
            return
                (isKnownToKeepOff
                && (relations.conflicts.contains { $0.matches(other) }
                    || relations.replaces.contains { $0.matches(other) }))
                || index.relations(of: other).conflicts.contains { $0.matches(name) }
        }
        for other in index.pending where mayHaveWaited(other) { reconsider(other) }
        for other in blocked.keys where mayHaveWaited(other) { reconsider(other) }
        for other in drained {
            for departing in world.host(other).units where mayHaveWaited(departing) { reconsider(departing, on: other) }
        }
        for other in index.globals where mayHaveWaited(other) { reconsiderGlobal(other, on: slot) }
    }
}
