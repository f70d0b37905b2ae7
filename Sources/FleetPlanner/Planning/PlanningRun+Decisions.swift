import FleetModel
import UnitFile

/// From the world as it has become to decisions: what differs from the snapshot, and nothing else.
extension PlanningRun {
    mutating func plan() -> Plan {
        noteBlockedGlobals()
        var decisions: [Decision] = []
        let names = considered.union(consideredGlobals.keys)
        for name in names.sorted() {
            decisions += failureDecisions(name)
            if let end = moveDecision(name) { decisions.append(end) }
            if let settled = volumeDecision(name) { decisions.append(settled) }
            if let shared = shareDecision(name) { decisions.append(shared) }
            if let released = releaseDecision(name) { decisions.append(released) }
            if let unit = snapshot.units[name], let slots = consideredGlobals[name], phase(of: name) == .global {
                decisions += slots.sorted().compactMap { globalDecision(unit, on: $0) }
            } else {
                decisions += ordinaryDecisions(name)
            }
        }
        return Plan(
            basedOn: snapshot.revision,
            epoch: epoch,
            decisions: decisions,
            blocked: blocked,
            staying: staying,
            considered: names,
            wakeAt: wakeAt()
        )
    }

    private func failureDecisions(_ name: UnitName) -> [Decision] {
        let scopes =
            [FailureScope.fleet] + (consideredGlobals[name] ?? []).sorted().map { .machine(index.hosts[$0].id) }
        return scopes.compactMap { scope in
            guard let record = records[RecordKey(unit: name, scope: scope)], let newest = record.recent.last else {
                return nil
            }
            let cause = DecisionReason.Cause.failed(
                on: newest.machine,
                newest.failure.message,
                record.verdict,
                at: newest.failure.at
            )
            return Decision(unit: name, action: .recordFailure(scope, record), reason: DecisionReason(cause))
        }
    }

    /// A wish ends when the unit is there and nowhere else, and when it cannot be fulfilled.
    private func moveDecision(_ name: UnitName) -> Decision? {
        guard let wish = snapshot.moves[name] else { return nil }
        let cause: DecisionReason.Cause
        if snapshot.units[name] != nil, [.validate, .place].contains(phase(of: name)) {
            if let reason = droppedWishes[name] {
                cause = .moveDropped(to: wish.to, reason)
            } else {
                guard world.machines(of: name) == [wish.to] else { return nil }
                cause = .moveAsked(to: wish.to)
            }
        } else {
            cause = snapshot.units[name] == nil ? .destroyed : .stopped
        }
        return Decision(unit: name, action: .endMove(to: wish.to), reason: DecisionReason(cause))
    }

    /// A unit that was made global or ordinary by its newest file is treated as what it is now.
    private func ordinaryDecisions(_ name: UnitName) -> [Decision] {
        let before = snapshot.assignments[name] ?? [:]
        let after = Set(world.machines(of: name))
        var gone = before.keys.filter { !after.contains($0) }.sorted()
        var decisions: [Decision] = []
        if let unit = snapshot.units[name] {
            for machine in after.sorted() {
                if let old = before[machine] {
                    if let update = update(unit, on: machine, from: old) { decisions.append(update) }
                } else if gone.isEmpty {
                    decisions.append(assign(unit, to: machine))
                } else {
                    decisions.append(move(unit, from: gone.removeFirst(), to: machine))
                }
            }
        }
        for machine in gone { decisions.append(unassign(name, from: machine)) }
        return decisions.sorted { ($0.machine?.description ?? "") < ($1.machine?.description ?? "") }
    }

    private func globalDecision(_ unit: Unit, on slot: Int) -> Decision? {
        let machine = index.hosts[slot].id
        let old = snapshot.assignments[unit.name]?[machine]
        switch (old, world.has(unit.name, on: slot)) {
        case (let old?, true): return update(unit, on: machine, from: old)
        case (nil, true): return assign(unit, to: machine)
        case (.some, false): return unassign(unit.name, from: machine)
        case (nil, false): return nil
        }
    }

    private func assign(_ unit: Unit, to machine: MachineID) -> Decision {
        let record = record(key(unit, machine))
        let attempt = record.flatMap { $0.isCurrent(at: unit.generation) ? $0.count : nil } ?? 0
        let cause: DecisionReason.Cause =
            departures[unit.name]
            ?? (attempt > 0 && retried.contains(key(unit, machine))
                ? .retry(attempt: attempt, after: record?.recent.last?.machine) : .asked(unit.target.state))
        let reason = DecisionReason(cause, choices[unit.name])
        let new = assignment(unit, attempt: attempt, reason: reason.description)
        return Decision(unit: unit.name, action: .assign(machine, new), reason: reason)
    }

    private func move(_ unit: Unit, from: MachineID, to: MachineID) -> Decision {
        let attempt = attempt(of: unit, on: to, before: snapshot.assignments[unit.name]?[from], isNew: true)
        let reason = DecisionReason(cause(unit.name, from), choices[unit.name])
        let new = assignment(unit, attempt: attempt, reason: reason.description)
        return Decision(unit: unit.name, action: .move(from: from, to: to, new), reason: reason)
    }

    private func unassign(_ name: UnitName, from machine: MachineID) -> Decision {
        Decision(unit: name, action: .unassign(machine), reason: DecisionReason(cause(name, machine)))
    }

    private func update(_ unit: Unit, on machine: MachineID, from old: Assignment) -> Decision? {
        let isRenewed = renewed[unit.name].map { $0 == index.slots[machine] } ?? false
        let isRetry = retried.contains(key(unit, machine)) || isRenewed
        let attempt = attempt(of: unit, on: machine, before: old, isNew: isRetry)
        var new = assignment(unit, attempt: attempt, reason: old.reason, after: old)
        (new.epoch, new.at) = (old.epoch, old.at)
        guard new != old, mayBegin(unit, on: machine) else { return nil }
        (new.epoch, new.at) = (epoch, now)
        guard !isRetry else {
            let reason = DecisionReason(.retry(attempt: attempt, after: machine), choices[unit.name])
            new.reason = reason.description
            return Decision(unit: unit.name, action: .update(machine, new), reason: reason)
        }
        let reason = DecisionReason(.changed(Self.changes(of: unit, from: old, to: new)))
        return Decision(unit: unit.name, action: .update(machine, new), reason: reason)
    }

    /// In words, the most telling first.
    private static func changes(of unit: Unit, from old: Assignment, to new: Assignment) -> [String] {
        var changes: [String] = []
        if old.file != new.file { changes.append("the unit file was replaced") }
        changes += companions(from: old.quadlet, to: new.quadlet)
        if old.target != new.target { changes.append("target state is now \(new.target.rawValue)") }
        if old.restart != new.restart {
            let isAsked = new.restart == unit.target.restart
            changes.append(isAsked ? "a restart was asked for" : "what it has RestartOnChange= for was set anew")
        }
        if old.reload != new.reload, new.reload != nil, old.file == new.file {
            changes.append("what it has RestartOnChange= for was set anew")
        }
        if old.atMostOnce != new.atMostOnce { changes.append("AtMostOnce= has changed") }
        if old.volumes != new.volumes { changes.append("it keeps to other volumes") }
        if old.looseVolumes != new.looseVolumes, old.volumes == new.volumes { changes.append("it names other volumes") }
        if old.image != new.image, old.file == new.file, old.quadlet == new.quadlet {
            changes.append("how its image is pulled has changed")
        }
        if old.health != new.health, old.file == new.file { changes.append("its health check has changed") }
        if changes.isEmpty { changes.append("the unit was asked for again") }
        return changes
    }

    /// A run's number never falls within a generation, so that no agent takes an old run for a new one.
    private func attempt(of unit: Unit, on machine: MachineID, before: Assignment?, isNew: Bool) -> Int {
        let old = before.flatMap { $0.generation == unit.generation ? $0.attempt : nil } ?? 0
        guard isNew, let record = record(key(unit, machine)), record.isCurrent(at: unit.generation) else { return old }
        return max(old, record.count)
    }

    /// Companions of the same file in words; those that come and go with another file are not worth a word.
    private static func companions(from old: QuadletBundle?, to new: QuadletBundle?) -> [String] {
        guard let old, let new, old.source == new.source else { return [] }
        let image = old.image == new.image ? [] : ["its image is pinned to \(new.image ?? "none") now"]
        let changed = new.companions.filter { name, file in old.companions[name].map { $0 != file } ?? false }
        guard !changed.isEmpty else { return image }
        return image + [changed.keys.sorted().map(\.description).joined(separator: ", ") + " was replaced"]
    }

    /// What has gone missing of an assigned unit's companions stays in its assignment: it runs with them.
    private func bundle(_ unit: Unit, after old: Assignment?) -> QuadletBundle? {
        guard let source = unit.intent.source, let needed = snapshot.companions(of: unit) else { return nil }
        var bundle = QuadletBundle(source: source, image: unit.intent.image)
        for (name, companion) in needed.units { bundle.companions[name] = snapshot.units[companion]?.intent.file }
        for name in needed.missing { bundle.companions[name] = old?.quadlet?.companions[name] }
        return bundle
    }

    private func assignment(
        _ unit: Unit,
        attempt: Int,
        reason: String,
        after old: Assignment? = nil
    ) -> Assignment {
        let volumes = unit.options.isGlobal ? [] : index.volumes.volumes(of: unit.name)
        let loose = snapshot.looseVolumes(of: unit)
        let credentials = snapshot.credentials(for: unit.options)
        return Assignment(
            file: unit.intent.file,
            target: unit.target.state,
            generation: unit.generation,
            restart: unit.restart,
            attempt: attempt,
            atMostOnce: unit.options.atMostOnce,
            epoch: epoch,
            reason: reason,
            at: now,
            quadlet: bundle(unit, after: old),
            volumes: volumes.isEmpty ? nil : volumes,
            looseVolumes: loose.isEmpty ? nil : loose,
            health: unit.options.health,
            credentials: credentials.isEmpty ? nil : credentials,
            image: unit.imagePull,
            verdictMs: unit.quadlet?.check?.verdict.milliseconds,
            reload: unit.reload > 0 ? unit.reload : nil
        )
    }

    private func key(_ unit: Unit, _ machine: MachineID) -> RecordKey {
        RecordKey(unit: unit.name, scope: unit.options.isGlobal ? .machine(machine) : .fleet)
    }

    /// Where a unit had to follow another one, what counts is where that one is in the end.
    private func cause(_ name: UnitName, _ machine: MachineID) -> DecisionReason.Cause {
        guard let slot = index.slots[machine], let cause = causes[name]?[slot] else { return .lost(machine) }
        guard case .ineligible(_, .peerUnplaced) = cause, let unit = snapshot.units[name],
            let final = Eligibility.reason(unit, on: world.host(slot), as: .newcomer, in: world)
        else { return cause }
        return .ineligible(machine, final)
    }

    private func wakeAt() -> Timestamp? {
        let touched = Set(records.keys.map(\.unit)).union(retried.map(\.unit))
        var times = index.earliestRetry(after: now, except: touched).map { [$0] } ?? []
        for name in touched {
            guard let unit = snapshot.units[name] else { continue }
            var known = snapshot.failures[name] ?? [:]
            for (key, record) in records where key.unit == name { known[key.scope] = record }
            for key in retried where key.unit == name { known[key.scope] = nil }
            let attempts = (snapshot.assignments[name] ?? [:])
                .filter { $0.value.generation == unit.generation }.mapValues(\.attempt)
            times += Hold.retryTimes(of: unit, records: known, attempts: attempts).filter { !$0.isDue(now) }.map(\.at)
        }
        times += drained.filter { !world.host($0).units.isEmpty }.compactMap {
            index.hosts[$0].orders.draining.flatMap { $0.isOverdue(now) ? nil : $0.deadline }
        }
        return times.filter { $0 > now }.min()
    }
}
