package import FleetModel
package import FleetRegistry
import FleetUseCases
package import UnitFile

/// What a machine's agent has to write to the registry: the newest status and refusal of each unit, and events.
///
/// A value that is overtaken before it was written is never written. Statuses and refusals hang on the machine's lease
/// and are written again when it is a new one; writing them twice does no harm, so after an unknown outcome they are.
/// The first of two such writes may be carried out after the second, or after others: `noticed` sees it come back.
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
    /// When what is published now was written last.
    private var written: [Subject: Revision] = [:]
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
        dueAll()
    }

    private mutating func dueAll() {
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

    /// The batch was written.
    package mutating func committed(_ batch: Batch, at revision: Revision) {
        for subject in batch.subjects { written[subject] = value(of: subject) == nil ? nil : revision }
    }

    /// What the registry has of this machine's statuses and refusals. What is not as it was written is due again: it
    /// was overwritten by an earlier write that came late, or removed.
    package mutating func noticed(_ news: OwnKeys.News) {
        if news.hasGoneBack { written = [:] }
        var seen: Set<Subject> = []
        for event in news.events {
            guard let subject = subject(of: event.key) else { continue }
            seen.insert(subject)
            let wanted = value(of: subject)
            guard event.revision > written[subject] ?? .zero else { continue }
            let isOurs = event.entry.map { $0.lease == lease } ?? false
            if isOurs ? event.entry?.value != wanted : written[subject] != nil { due.insert(subject) }
        }
        if news.hasGoneBack, lease != nil { dueAll() }
        guard news.isWhole else { return }
        for (subject, revision) in written where revision <= news.revision && !seen.contains(subject) {
            due.insert(subject)
        }
    }

    private func subject(of key: Key) -> Subject? {
        switch RegistryKey(key, in: keyspace) {
        case .status(machine, let unit): .status(unit)
        case .refusal(machine, let unit): .refusal(unit)
        default: nil
        }
    }

    private func value(of subject: Subject) -> [UInt8]? {
        switch subject {
        case .status(let unit): statuses[unit].map { RegistryValue.encode($0) }
        case .refusal(let unit): refusals[unit].map { RegistryValue.encode($0) }
        }
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
        let key =
            switch subject {
            case .status(let unit): key(.status(machine, unit))
            case .refusal(let unit): key(.refusal(machine, unit))
            }
        return value(of: subject).map { .put(key, $0, lease: lease) } ?? .delete(.key(key))
    }

    private func key(_ key: RegistryKey) -> Key { key.key(in: keyspace) }
}
