import FleetModel
import FleetPlanner
import FleetRegistry
import UnitFile

/// Turns decisions into fenced transactions.
///
/// Every transaction compares the leadership key, so that a leader that was superseded changes nothing, nor does what
/// the registry gets late of one whose outcome nobody knew (`LeadingState`); and for every
/// unit the keys that the decision rests on: what the user asked, the assignments it changes, the failure record, the
/// presence and the orders of the machine it comes to or leaves, and the assignments of the units it is `MachineOf=`.
/// Placements of other units need no compare: only the leader writes them, one plan at a time.
struct TransactionWriter {
    struct Context {
        let snapshot: Snapshot
        let fence: Revision
        let now: Timestamp
        /// Units that get a transaction of their own.
        let singles: Set<UnitName>
    }

    let keyspace: Keyspace
    let machine: MachineID
    private var lastTransaction = 0
    /// Begins in the middle of its range: the API's writes of the same machine count from 0, and events of both may
    /// fall into one millisecond.
    private var lastEvent = 0x8000

    init(keyspace: Keyspace, machine: MachineID) {
        self.keyspace = keyspace
        self.machine = machine
    }

    mutating func drafts(
        _ decisions: [Decision],
        blocked: [UnitName: BlockedReason],
        context: Context
    ) -> [TransactionDraft] {
        var parts: [TransactionPart] = []
        var start = decisions.startIndex
        while start < decisions.endIndex {
            let unit = decisions[start].unit
            let end = decisions[start...].firstIndex { $0.unit != unit } ?? decisions.endIndex
            parts += self.parts(unit, Array(decisions[start..<end]), blocked[unit], context)
            start = end
        }
        let decided = Set(decisions.map(\.unit))
        for (unit, reason) in blocked.sorted(by: { $0.key < $1.key }) where !decided.contains(unit) {
            parts += self.parts(unit, [], reason, context)
        }
        return grouped(parts, context)
    }

    /// Writes down which machines are lost, and whether their units are held.
    mutating func draft(_ brake: BrakeRecord, context: Context) -> TransactionDraft {
        lastTransaction += 1
        let key = RegistryKey.brake.key(in: keyspace)
        let leader = Compare.modified(RegistryKey.leader.key(in: keyspace), at: context.fence)
        return TransactionDraft(
            id: TransactionID(number: lastTransaction),
            transaction: Transaction(
                compares: [leader, unchanged(.brake, context.snapshot.brakeRevision)],
                operations: [brake.isEmpty ? .delete(.key(key)) : .put(key, RegistryValue.encode(brake), lease: nil)]
            ),
            units: []
        )
    }

    // MARK: Grouping

    /// Puts parts together, in order, up to the store's limit on operations and on compares.
    private mutating func grouped(_ parts: [TransactionPart], _ context: Context) -> [TransactionDraft] {
        var drafts: [TransactionDraft] = []
        var compares: Set<Compare> = []
        for part in parts {
            let isSingle = context.singles.contains(part.unit)
            if !isSingle, let last = drafts.indices.last, drafts[last].units.isDisjoint(with: context.singles),
                drafts[last].transaction.operations.count + part.operations.count <= Limits.operationsPerTransaction,
                compares.union(part.compares).count <= Limits.operationsPerTransaction
            {
                let fresh = part.compares.filter { compares.insert($0).inserted }
                drafts[last].transaction.compares += fresh
                // Units that share a volume bring it to one machine, and that is written once.
                let written = drafts[last].transaction.operations.filter(isHome)
                drafts[last].transaction.operations += part.operations.filter { operation in
                    guard isHome(operation), case .put(let key, _, _) = operation else { return true }
                    return !written.contains { if case .put(key, _, _) = $0 { true } else { false } }
                }
                drafts[last].units.insert(part.unit)
                continue
            }
            lastTransaction += 1
            let leader = Compare.modified(RegistryKey.leader.key(in: keyspace), at: context.fence)
            compares = [leader]
            let own = [leader] + part.compares.filter { compares.insert($0).inserted }
            drafts.append(
                TransactionDraft(
                    id: TransactionID(number: lastTransaction),
                    transaction: Transaction(compares: own, operations: part.operations),
                    units: [part.unit]
                )
            )
        }
        return drafts
    }

    private func isHome(_ operation: StoreOperation) -> Bool {
        guard case .put(let key, _, _) = operation, case .volume? = RegistryKey(key, in: keyspace) else { return false }
        return true
    }

    // MARK: One unit

    /// Decisions on an ordinary unit belong together, apart from machines it merely leaves; those on a global unit
    /// belong together by machine.
    private mutating func parts(
        _ unit: UnitName,
        _ decisions: [Decision],
        _ blocked: BlockedReason?,
        _ context: Context
    ) -> [TransactionPart] {
        let isGlobal = context.snapshot.units[unit]?.options.isGlobal ?? false
        var groups: [(machine: MachineID?, decisions: [Decision])] = []
        for decision in decisions {
            let machine: MachineID?
            switch decision.action {
            case .unassign(let left): machine = left
            case .assign, .update, .move, .recordFailure, .endMove, .settle, .share, .release:
                machine = isGlobal ? decision.machine : nil
            }
            if let place = groups.firstIndex(where: { $0.machine == machine }) {
                groups[place].decisions.append(decision)
            } else {
                groups.append((machine, [decision]))
            }
        }
        var parts = groups.map { group in
            var part = TransactionPart(unit: unit, compares: intent(unit, context))
            for decision in group.decisions { add(decision, to: &part, context) }
            return (part, group.decisions.compactMap(DecisionEvent.event))
        }
        if let blocked {
            let event = DecisionEvent(kind: .blocked, machine: nil, message: "blocked: \(blocked)")
            if parts.isEmpty { parts.append((TransactionPart(unit: unit, compares: intent(unit, context)), [])) }
            parts[parts.count - 1].1.append(event)
        }
        let events = parts.reduce(0) { $0 + $1.1.count }
        return parts.enumerated().map { place, item in
            var part = item.0
            let first = lastEvent + 1
            part.operations += item.1.map { put($0, unit, context) }
            if place == 0, events > 0 {
                part.operations += prune(unit, adding: events, first: first, context)
            }
            return part
        }
    }

    /// The decision rests on what the user asked, as the snapshot has it.
    private func intent(_ unit: UnitName, _ context: Context) -> [Compare] {
        [
            unchanged(.unit(unit), context.snapshot.unitRevisions[unit]),
            unchanged(.target(unit), context.snapshot.targetRevisions[unit]),
        ]
    }

    private func add(_ decision: Decision, to part: inout TransactionPart, _ context: Context) {
        let unit = decision.unit
        let revisions = context.snapshot.assignmentRevisions[unit] ?? [:]
        func assignment(_ machine: MachineID) -> RegistryKey { .assignment(machine, unit) }
        func put(_ key: RegistryKey, _ value: some Encodable) {
            part.operations.append(.put(key.key(in: keyspace), RegistryValue.encode(value), lease: nil))
        }
        func leave(_ machine: MachineID) {
            part.compares.append(unchanged(assignment(machine), revisions[machine]))
            part.operations.append(.delete(.key(assignment(machine).key(in: keyspace))))
            if case .lost = decision.reason.cause {
                part.compares.append(.absent(RegistryKey.presence(machine).key(in: keyspace)))
            }
            // What it was handed over to must be there still.
            if case .handedOver(let to) = decision.reason.cause {
                part.compares.append(.present(RegistryKey.status(to, unit).key(in: keyspace)))
            }
        }
        func come(_ machine: MachineID, _ new: Assignment) {
            part.compares.append(.absent(assignment(machine).key(in: keyspace)))
            part.compares.append(.present(RegistryKey.presence(machine).key(in: keyspace)))
            part.compares.append(unchanged(.orders(machine), context.snapshot.orderRevisions[machine]))
            part.compares += peers(of: unit, on: machine, context)
            part.compares += homes(of: unit, context)
            put(assignment(machine), new)
        }
        switch decision.action {
        case .assign(let machine, let new): come(machine, new)
        case .update(let machine, let new):
            part.compares.append(unchanged(assignment(machine), revisions[machine]))
            put(assignment(machine), new)
        case .unassign(let machine): leave(machine)
        case .move(let from, let to, let new):
            leave(from)
            come(to, new)
        case .recordFailure(let scope, let record):
            part.compares.append(unchanged(.failures(unit, scope), context.snapshot.failureRevisions[unit]?[scope]))
            put(.failures(unit, scope), record)
        case .settle(let volumes, let shared, let machine):
            part.compares += homes(of: unit, context)
            if let revision = revisions[machine] {
                part.compares.append(unchanged(assignment(machine), revision))
            }
            for volume in volumes.keys.sorted() {
                let isShared = shared.contains(volume) ? true : nil
                put(.volume(volume), VolumeHome(machine: machine, unit: unit, since: context.now, isShared: isShared))
            }
        case .share(let volumes, _):
            part.compares += homes(of: unit, context)
            for volume in volumes {
                guard var home = context.snapshot.volumeHomes[volume] else { continue }
                home.isShared = true
                put(.volume(volume), home)
            }
        case .release(let volumes):
            for volume in volumes.keys.sorted() {
                part.compares.append(unchanged(.volume(volume), context.snapshot.volumeRevisions[volume]))
                part.operations.append(.delete(.key(RegistryKey.volume(volume).key(in: keyspace))))
            }
        case .endMove:
            part.compares.append(unchanged(.move(unit), context.snapshot.moveRevisions[unit]))
            part.operations.append(.delete(.key(RegistryKey.move(unit).key(in: keyspace))))
        }
    }

    /// Units it is `MachineOf=` that are there already; those that come there in the same plan cannot be compared, and
    /// the next plan mends what goes wrong.
    private func peers(of unit: UnitName, on machine: MachineID, _ context: Context) -> [Compare] {
        let peers = context.snapshot.units[unit]?.options.machineOf ?? []
        return peers.filter { context.snapshot.assignments[$0]?[machine] != nil }.map {
            .present(RegistryKey.assignment(machine, $0).key(in: keyspace))
        }
    }

    /// A unit comes to a machine because its volumes are there, or nowhere: that must be so still.
    private func homes(of unit: UnitName, _ context: Context) -> [Compare] {
        guard let stored = context.snapshot.units[unit] else { return [] }
        return context.snapshot.stickyVolumes(of: stored).map {
            unchanged(.volume($0), context.snapshot.volumeRevisions[$0])
        }
    }

    private func unchanged(_ key: RegistryKey, _ revision: Revision?) -> Compare {
        .unchanged(key.key(in: keyspace), since: revision)
    }

    // MARK: Events

    private mutating func put(_ event: DecisionEvent, _ unit: UnitName, _ context: Context) -> StoreOperation {
        lastEvent += 1
        let id = EventID.make(at: context.now, writer: machine, counter: lastEvent)
        let value = UnitEvent(
            at: context.now,
            unit: unit,
            kind: event.kind,
            machine: event.machine,
            message: event.message
        )
        return .put(RegistryKey.event(unit, id).key(in: keyspace), RegistryValue.encode(value), lease: nil)
    }

    /// Deletes the oldest events that are too many. A transaction may not touch a key twice, so nothing is deleted when
    /// the clock has gone back so far that a new event (the first is number `first`) would be among them.
    private func prune(_ unit: UnitName, adding: Int, first: Int, _ context: Context) -> [StoreOperation] {
        let ids = context.snapshot.eventIDs[unit] ?? []
        let excess = ids.count + adding - Limits.eventsPerUnit
        guard excess > 0, let oldest = ids.first else { return [] }
        let last = ids[min(excess, ids.count) - 1]
        guard last < EventID.make(at: context.now, writer: machine, counter: first) else { return [] }
        let end = KeyRange.key(RegistryKey.event(unit, last).key(in: keyspace)).end
        return [.delete(KeyRange(start: RegistryKey.event(unit, oldest).key(in: keyspace), end: end))]
    }
}
