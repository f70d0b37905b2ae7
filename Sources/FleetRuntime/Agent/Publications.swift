package import FleetModel
package import FleetRegistry
import FleetUseCases
package import UnitFile

/// What a machine's agent has to write to the registry: the newest status and refusal of each unit, and events.
///
/// A value that is overtaken before it was written is never written. Statuses and refusals hang on the machine's lease
/// and are written again when it is a new one; writing them twice does no harm, so after an unknown outcome they are.
package struct Publications: Sendable {
    fileprivate enum Subject: Hashable, Comparable {
        case status(UnitName)
        case refusal(UnitName)
    }

    fileprivate struct DueEvent {
        var id: EventID
        var event: UnitEvent
    }

    /// One transaction's worth.
    package struct Batch {
        package var transaction: Transaction
        fileprivate var subjects: [Subject]
        fileprivate var events: [DueEvent]
        fileprivate var lease: LeaseID
    }

    private let machine: MachineID
    private let keyspace: Keyspace
    private var statuses: [UnitName: UnitStatus] = [:]
    private var refusals: [UnitName: Refusal] = [:]
    private var due: Set<Subject> = []
    private var events: [DueEvent] = []
    private var ids: EventIDs
    private var lease: LeaseID?

    package init(machine: MachineID, keyspace: Keyspace) {
        self.machine = machine
        self.keyspace = keyspace
        ids = EventIDs(writer: machine)
    }

    /// Nothing is written without a lease.
    package var isDue: Bool { lease != nil && (!due.isEmpty || !events.isEmpty) }

    /// Units of the events in the next batch: how many each has stored is asked for before.
    package var unitsWithEvents: Set<UnitName> { Set(events.prefix(Limits.operationsPerTransaction).map(\.event.unit)) }

    package mutating func publish(_ status: UnitStatus?, of unit: UnitName) {
        statuses[unit] = status
        due.insert(.status(unit))
    }

    package mutating func publish(_ refusal: Refusal?, of unit: UnitName) {
        refusals[unit] = refusal
        due.insert(.refusal(unit))
    }

    package mutating func append(_ event: UnitEvent) {
        events.append(DueEvent(id: ids.next(at: event.at), event: event))
    }

    /// Everything that hung on the former lease is gone, or soon will be.
    package mutating func hang(on lease: LeaseID) {
        guard self.lease != lease else { return }
        self.lease = lease
        due.formUnion(statuses.keys.map(Subject.status))
        due.formUnion(refusals.keys.map(Subject.refusal))
    }

    /// `lease` turned out to have ended: wait for a new one.
    mutating func drop(_ lease: LeaseID) {
        if self.lease == lease { self.lease = nil }
    }

    /// Takes as much as one transaction may hold. `stored` are the ids of the units' stored events, the oldest of which
    /// make room for the new.
    package mutating func next(stored: [UnitName: [EventID]]) -> Batch? {
        guard isDue, let lease else { return nil }
        var operations: [StoreOperation] = []
        let subjects = due.sorted().prefix(Limits.operationsPerTransaction)
        for subject in subjects { operations.append(operation(for: subject, lease)) }
        var taken: [DueEvent] = []
        // After an unknown outcome an event may be stored already, and be the oldest if the clock has gone back: a
        // transaction that deletes and writes one key is taken by no store.
        let own = Set(events.map(\.id))
        var known = stored.mapValues { $0.filter { !own.contains($0) }[...] }
        while let first = events.first {
            let unit = first.event.unit
            let isFull = (known[unit]?.count ?? 0) >= Limits.eventsPerUnit
            guard operations.count + (isFull ? 2 : 1) <= Limits.operationsPerTransaction else { break }
            if isFull, let oldest = known[unit]?.popFirst() {
                operations.append(.delete(.key(key(.event(unit, oldest)))))
            }
            operations.append(.put(key(.event(unit, first.id)), RegistryValue.encode(first.event), lease: nil))
            taken.append(events.removeFirst())
        }
        due.subtract(subjects)
        return Batch(
            transaction: Transaction(operations: operations),
            subjects: Array(subjects),
            events: taken,
            lease: lease
        )
    }

    /// The batch was not written, or perhaps not: it is due again, as far as nothing newer is.
    package mutating func putBack(_ batch: Batch) {
        due.formUnion(batch.subjects)
        events.insert(contentsOf: batch.events, at: 0)
    }

    /// The batch's lease is gone; its events are not to blame.
    package mutating func putBackWithoutLease(_ batch: Batch) {
        drop(batch.lease)
        putBack(batch)
    }

    private func operation(for subject: Subject, _ lease: LeaseID) -> StoreOperation {
        switch subject {
        case .status(let unit):
            let key = key(.status(machine, unit))
            guard let status = statuses[unit] else { return .delete(.key(key)) }
            return .put(key, RegistryValue.encode(status), lease: lease)
        case .refusal(let unit):
            let key = key(.refusal(machine, unit))
            guard let refusal = refusals[unit] else { return .delete(.key(key)) }
            return .put(key, RegistryValue.encode(refusal), lease: lease)
        }
    }

    private func key(_ key: RegistryKey) -> Key { key.key(in: keyspace) }
}
