import FleetModel
import UnitFile

/// Ordinary units that should leave a machine which may have them otherwise, because it is drained or because a user
/// wants the unit elsewhere: started there before it is stopped here.
///
/// While that goes on the unit has two assignments, which is all that is stored of it. What comes next follows from the
/// statuses: it has arrived there, so it leaves here; it failed there, so another place is tried; it does not run here
/// any more, so there is nothing to be careful about.
extension PlanningRun {
    /// Why the unit should leave a machine that is present; nil when it need not.
    func departure(_ unit: Unit, from slot: Int) -> DecisionReason.Cause? {
        let host = index.hosts[slot]
        if host.orders.draining != nil { return .drained(host.id) }
        guard let wished = wishedSlot(unit.name), wished != slot else { return nil }
        return .moveAsked(to: index.hosts[wished].id)
    }

    /// Two copies may overlap for a moment unless the unit says otherwise, or there is data which only one of them can
    /// have; one that is not started has nothing to lose.
    private func mayOverlap(_ unit: Unit) -> Bool {
        !unit.options.atMostOnce && unit.target.state == .launched && index.volumes.volumes(of: unit.name).isEmpty
    }

    /// By systemd's word, whatever run it is.
    private func isRunning(_ unit: Unit, on slot: Int) -> Bool {
        guard let status = snapshot.statuses[unit.name]?[index.hosts[slot].id], status.failure == nil else {
            return false
        }
        return status.active == "active" || status.active == "reloading"
    }

    /// The present run has come as far as it should: one with a health check is healthy. An agent from before there
    /// were such checks does not say, and is believed.
    private func hasArrived(_ unit: Unit, on slot: Int) -> Bool {
        let machine = index.hosts[slot].id
        guard renewed[unit.name] != slot, let status = snapshot.statuses[unit.name]?[machine],
            let assignment = snapshot.assignments[unit.name]?[machine]
        else { return false }
        return status.run == assignment.run && assignment.generation == unit.generation && status.settled
            && status.failure == nil && status.health.map { $0.state == .healthy } ?? true
    }

    // MARK: On two machines

    /// The machine that a unit with several assignments is looked at on. Two of them are kept during a handover only,
    /// and then it is the one that the unit leaves. Otherwise the unit stays on the best of those that may keep it.
    mutating func keepOne(_ unit: Unit) -> Int? {
        let all = world.slots(of: unit.name)
        let present = all.filter(world.isPresent)
        guard all.count > 1 else { return present.first }
        let fit = present.filter { Eligibility.reason(unit, on: world.host($0), as: .incumbent, in: world) == nil }
        let staying = fit.filter { departure(unit, from: $0) == nil }
        let arrived = staying.first { hasArrived(unit, on: $0) }
        if arrived == nil, let to = staying.first, mayOverlap(unit),
            let from = fit.first(where: { departure(unit, from: $0) != nil && isRunning(unit, on: $0) })
        {
            for slot in all where slot != from && slot != to {
                leave(unit.name, from: slot, because: .duplicate(kept: index.hosts[from].id))
            }
            watch(unit, handedTo: to, from: from)
            return from
        }
        let kept =
            arrived ?? staying.first { isRunning(unit, on: $0) } ?? staying.first
            ?? fit.first { isRunning(unit, on: $0) } ?? fit.first ?? present.first
        guard let kept else { return nil }
        let to = index.hosts[kept].id
        for slot in all where slot != kept {
            let isLeft = arrived != nil && world.isPresent(slot) && departure(unit, from: slot) != nil
            leave(unit.name, from: slot, because: isLeft ? .handedOver(to: to) : .duplicate(kept: to))
        }
        return kept
    }

    /// A failure in the new place counts as a failure there; the unit leaves that place and keeps the old one.
    private mutating func watch(_ unit: Unit, handedTo to: Int, from: Int) {
        let key = RecordKey(unit: unit.name, scope: .fleet)
        noteFailure(unit, on: to, key)
        guard hasFailed(unit, on: to, key) else {
            staying[unit.name] = [index.hosts[from].id: .startingOn(index.hosts[to].id)]
            return
        }
        if wishedSlot(unit.name) == to {
            let message = snapshot.statuses[unit.name]?[index.hosts[to].id]?.failure?.message
            droppedWishes[unit.name] = "failed there" + (message.map { " (\($0))" } ?? "")
        }
        leave(unit.name, from: to, because: .failedThere(index.hosts[to].id))
    }

    /// Whether the present run on this machine is among the recorded failures.
    func hasFailed(_ unit: Unit, on slot: Int, _ key: RecordKey) -> Bool {
        let machine = index.hosts[slot].id
        guard renewed[unit.name] != slot, let run = snapshot.assignments[unit.name]?[machine]?.run,
            run.generation == unit.generation,
            let record = record(key)
        else { return false }
        return record.recent.contains { $0.machine == machine && $0.run == run }
    }

    // MARK: Setting out

    /// Lets a unit that is on one machine set out for another, if it should leave and may now.
    mutating func depart(_ unit: Unit, from slot: Int) {
        guard let cause = departure(unit, from: slot), world.slots(of: unit.name) == [slot] else { return }
        let key = RecordKey(unit: unit.name, scope: .fleet)
        let machine = index.hosts[slot].id
        if let peer = departingPeer(of: unit, on: slot) {
            staying[unit.name] = [machine: .waitsForPeer(peer)]
            return
        }
        let overlaps = mayOverlap(unit) && isRunning(unit, on: slot)
        let hold = hold(unit, key)
        switch hold {
        case .none, .due: break
        case .waiting(let until) where overlaps:
            staying[unit.name] = [machine: .failedElsewhere(until: until)]
            return
        case .givenUp where overlaps && blocked[unit.name] == nil && wishedSlot(unit.name) != nil:
            // It was given up elsewhere and is well where it runs; who asks for a machine by name gets one try.
            break
        case .givenUp(let reason) where overlaps:
            staying[unit.name] = [machine: .givenUp(reason)]
            return
        case .waiting, .givenUp:
            // It does not run, and will not for now: it need not wait for that on a machine that should be empty.
            guard hasFailed(unit, on: slot, key) else { break }
            leave(unit.name, from: slot, because: cause)
            return reconsider(unit.name)
        }
        if overlaps, index.hosts[slot].orders.draining != nil, movesInFlight(from: slot) >= DrainPace.movesInFlight {
            staying[unit.name] = [machine: .waitsForTurn]
            return
        }
        guard let (to, choice, displaced) = choose(unit, isRetry: true) else {
            var reasons = Eligibility.explain(unit, in: world)
            reasons[machine] = nil
            staying[unit.name] = [machine: .noEligibleMachine(reasons)]
            return
        }
        guard overlaps else {
            leave(unit.name, from: slot, because: cause)
            return reconsider(unit.name)
        }
        departures[unit.name] = cause
        if snapshot.assignments[unit.name]?[index.hosts[to].id] != nil { renewed[unit.name] = to }
        staying[unit.name] = [machine: .startingOn(index.hosts[to].id)]
        come(unit.name, to: to, because: choice, displacing: displaced)
    }

    /// A unit that this one is `MachineOf=` or follows in its pod, and that has yet to leave the same machine. When it
    /// has left, this one follows because it must.
    private func departingPeer(of unit: Unit, on slot: Int) -> UnitName? {
        let anchor = unit.pod.flatMap { world.anchor(of: $0, for: unit.name) }
        return (unit.options.machineOf.sorted() + [anchor].compactMap(\.self)).first { peer in
            guard peer != unit.name, let other = snapshot.units[peer], !other.options.isGlobal else { return false }
            return world.has(peer, on: slot) && departure(other, from: slot) != nil
        }
    }

    private func movesInFlight(from slot: Int) -> Int {
        world.host(slot).units.count { name in
            guard let unit = snapshot.units[name], !unit.options.isGlobal else { return false }
            return world.slots(of: name).count > 1
        }
    }

    // MARK: Wishes

    /// Where a user wants the unit; nil without a wish, and for one that has been dropped.
    func wishedSlot(_ name: UnitName) -> Int? {
        guard droppedWishes[name] == nil, let wish = snapshot.moves[name] else { return nil }
        return index.slots[wish.to]
    }

    /// Drops a wish that cannot be fulfilled.
    mutating func checkWish(of unit: Unit) {
        guard let wish = snapshot.moves[unit.name], droppedWishes[unit.name] == nil else { return }
        guard let slot = index.slots[wish.to] else {
            droppedWishes[unit.name] = IneligibleReason.notPresent.description
            return
        }
        let standing: Standing = world.has(unit.name, on: slot) ? .incumbent : .newcomer
        var reason = Eligibility.reason(unit, on: world.host(slot), as: standing, in: world)
        if reason == nil, index.hosts[slot].orders.draining != nil { reason = .draining }
        if let reason { droppedWishes[unit.name] = reason.description }
    }

    /// A unit that will not be tried again by itself is not moved by itself later.
    mutating func dropWishIfBlocked(_ name: UnitName) {
        guard snapshot.moves[name] != nil, droppedWishes[name] == nil, let reason = blocked[name] else { return }
        if case .waiting = reason { return }
        droppedWishes[name] = reason.description
    }

    // MARK: What else a departure concerns

    /// Looks again at everything on a machine that is drained: one that leaves makes room for the next to set out, and
    /// the last makes the global units go.
    mutating func reconsiderDeparting(for name: UnitName, on slot: Int) {
        for drained in drained where drained == slot || world.has(name, on: drained) { reconsiderAll(on: drained) }
    }

    mutating func reconsiderAll(on slot: Int) {
        for other in world.host(slot).units { reconsider(other, on: slot) }
    }

    /// A global unit leaves a machine that is drained after all others.
    func isLeftByOthers(_ slot: Int) -> Bool {
        index.hosts[slot].orders.draining != nil
            && !world.host(slot).units.contains { snapshot.units[$0]?.options.isGlobal == false }
    }
}
