import FleetModel
import UnitFile

/// Units that have one machine.
extension PlanningRun {
    /// Looks at a unit that is on a machine which is present.
    mutating func validate(_ name: UnitName) {
        guard let unit = snapshot.units[name] else { return }
        checkWish(of: unit)
        guard let slot = keepOne(unit) else { return }
        let key = RecordKey(unit: name, scope: .fleet)
        noteFailure(unit, on: slot, key)
        // A failure elsewhere, where it was to be handed over, says nothing of the run here.
        switch hasFailed(unit, on: slot, key) ? hold(unit, key) : .none {
        case .none: break
        case .givenUp(let reason): blocked[name] = .givenUp(reason)
        case .waiting(let until): blocked[name] = .waiting(until: until)
        case .due: if retry(unit, key, from: slot) { return }
        }
        let host = world.host(slot)
        guard let reason = Eligibility.reason(unit, on: host, as: .incumbent, in: world) else {
            claimVolumes(of: name, on: slot)
            return depart(unit, from: slot)
        }
        leave(name, from: slot, because: .ineligible(host.id, reason))
        reconsider(name)
    }

    /// Starts the next run of a unit that failed, in one step: where it was is not free for others in between. False
    /// when no machine is eligible, the present one included.
    private mutating func retry(_ unit: Unit, _ key: RecordKey, from slot: Int) -> Bool {
        world.remove(unit.name, from: slot)
        let best = choose(unit, isRetry: true) ?? inPlace(unit, slot)
        world.place(unit.name, on: slot)
        guard let (chosen, choice, displaced) = best else { return false }
        retried.insert(key)
        if chosen != slot {
            let attempt = record(key)?.count ?? 0
            leave(unit.name, from: slot, because: .retry(attempt: attempt, after: index.hosts[slot].id))
        }
        come(unit.name, to: chosen, because: choice, displacing: displaced)
        return true
    }

    /// A machine that takes no newcomer may try what it has again, when no other may.
    private func inPlace(
        _ unit: Unit,
        _ slot: Int
    ) -> (slot: Int, choice: DecisionReason.Choice, displaced: [UnitName])? {
        let host = world.host(slot)
        guard host.orders.isCordoned, Eligibility.reason(unit, on: host, as: .incumbent, in: world) == nil else {
            return nil
        }
        let failures = recentFailures(of: unit)[slot] ?? 0
        return (slot, .leastLoaded(units: world.loads[slot], failures: failures, displacing: [], faults: .none), [])
    }

    /// Looks for a machine for a unit that has none, or whose machine is not present.
    mutating func place(_ name: UnitName) {
        guard let unit = snapshot.units[name] else { return }
        checkWish(of: unit)
        let key = RecordKey(unit: name, scope: .fleet)
        let lost = world.slots(of: name).first
        switch hold(unit, key) {
        case .none: break
        case .givenUp(let reason):
            blocked[name] = .givenUp(reason)
            return
        case .waiting(let until):
            blocked[name] = .waiting(until: until)
            return
        case .due: retried.insert(key)
        }
        if let lost, unit.options.reschedule.trigger == .never {
            blocked[name] = .machineLostAndStays(index.hosts[lost].id)
            return
        }
        if let lost, index.hosts[lost].isBraked {
            retried.remove(key)
            let count = snapshot.brake.map { brake in brake.lost.keys.count(where: brake.holds) } ?? 0
            blocked[name] = .brake(index.hosts[lost].id, lost: count)
            return
        }
        guard let (slot, choice, displaced) = choose(unit, isRetry: retried.contains(key)) else {
            retried.remove(key)
            blocked[name] = blockedReason(unit, lost: lost)
            return
        }
        for slot in world.slots(of: name) { leave(name, from: slot, because: .lost(index.hosts[slot].id)) }
        come(name, to: slot, because: choice, displacing: displaced)
    }

    /// Whether the machine has an image of one of these names.
    private func hasImage(_ names: [ImageName], _ machine: MachineID) -> Bool {
        guard let there = snapshot.images[machine] else { return false }
        return names.contains { there.contains($0) }
    }

    private func blockedReason(_ unit: Unit, lost: Int?) -> BlockedReason {
        var reasons = Eligibility.explain(unit, in: world)
        if let lost {
            let machine = index.hosts[lost].id
            reasons[machine] = nil
            return .machineLost(machine, others: reasons)
        }
        return index.hosts.isEmpty ? .noMachines : .noEligibleMachine(reasons)
    }

    /// The best eligible machine. Walks the machines once and asks for eligibility only where the rank is better than
    /// the best so far.
    func choose(
        _ unit: Unit,
        isRetry: Bool
    ) -> (slot: Int, choice: DecisionReason.Choice, displaced: [UnitName])? {
        let homes = isRetry ? [] : homeSlots(of: unit.name)
        let failures = recentFailures(of: unit)
        let displaces = !unit.options.replaces.isEmpty
        var best: (rank: Rank, displaced: [UnitName])?
        let wished = wishedSlot(unit.name)
        let images = unit.imagePull.flatMap { ImageName($0.name) }?.fullNames ?? []
        for slot in world.slotRange where world.isPresent(slot) && (wished == nil || wished == slot) {
            var rank = Rank(
                isElsewhere: homes.isEmpty || homes.contains(slot) ? 0 : 1,
                isFaulty: faulty[slot] == nil ? 0 : 1,
                failures: failures.isEmpty ? 0 : failures[slot] ?? 0,
                displaced: 0,
                load: world.loads[slot],
                lacksImage: !images.isEmpty && !hasImage(images, index.hosts[slot].id),
                slot: slot
            )
            if let best, best.rank < rank, best.displaced.isEmpty { continue }
            let host = world.host(slot)
            let displaced = displaces ? ReplacesConstraint.displaced(by: unit, on: host, in: world) : []
            rank.displaced = displaced.count
            if let best, best.rank < rank { continue }
            guard Eligibility.reason(unit, on: host, as: .newcomer, in: world) == nil else { continue }
            best = (rank, displaced)
        }
        guard let best else { return nil }
        let anchor = unit.pod.flatMap { world.anchor(of: $0, for: unit.name) }
        let others = [anchor].compactMap { $0 == unit.name ? nil : $0 }
        let peers = Set(unit.options.machineOf + others).sorted()
        let choice: DecisionReason.Choice =
            peers.isEmpty
            ? .leastLoaded(
                units: best.rank.load,
                hasImage: !images.isEmpty && !best.rank.lacksImage,
                failures: best.rank.failures,
                displacing: best.displaced,
                faults: faults(choosing: best.rank.slot)
            )
            : .follows(peers, displacing: best.displaced)
        return (best.rank.slot, choice, best.displaced)
    }

    /// What faulty machines had to do with the choice of one.
    private func faults(choosing slot: Int) -> DecisionReason.Faults {
        if let units = faulty[slot] { return .chosen(units: units) }
        let others = faulty.keys.filter(world.isPresent).sorted().map { index.hosts[$0].id }
        return others.isEmpty ? .none : .avoided(others)
    }

    /// Where the unit is in the registry. Going back there is no move at all.
    private func homeSlots(of name: UnitName) -> [Int] {
        (snapshot.assignments[name] ?? [:]).keys.compactMap { index.slots[$0] }
    }

    private func recentFailures(of unit: Unit) -> [Int: Int] {
        guard let record = record(RecordKey(unit: unit.name, scope: .fleet)),
            record.isCurrent(at: unit.generation)
        else { return [:] }
        var failures: [Int: Int] = [:]
        for machine in Set(record.recent.map(\.machine)) {
            guard let slot = index.slots[machine] else { continue }
            let interval = unit.options.reschedule.limitInterval
            failures[slot] = record.failures(on: machine, generation: unit.generation, within: interval, now: now)
        }
        return failures.filter { $0.value > 0 }
    }
}
