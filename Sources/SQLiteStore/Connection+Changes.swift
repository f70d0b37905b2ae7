import FleetModel
import FleetRegistry
import FleetRuntime

/// The store's counters, as they are after the last durable transaction. Kept in memory so that a commit need not ask.
struct Counters: Hashable, Sendable {
    var revision: Revision
    /// The oldest revision a watch may start from.
    var oldest: Revision
    var historyChanges: Int
    var historyBytes: Int
}

/// One piece of work for the writer.
enum Work: Sendable {
    case transaction(Transaction)
    /// Deletes every key of the lease.
    case endLease(LeaseID)
    case compact(to: Revision)
}

/// What became of one piece of work inside an SQLite transaction that is not committed yet.
struct Applied: Sendable {
    var outcome: CommitOutcome
    var events: [StoreEvent] = []
}

// Each of these runs inside an SQLite transaction and moves `counters` along; the caller puts both back on an error.
extension Connection {
    func counters() throws -> Counters {
        var counters = Counters(
            revision: try newestRevision(),
            oldest: try oldestRevision(),
            historyChanges: 0,
            historyBytes: 0
        )
        try each(Schema.historySize, []) { row in
            counters.historyChanges = Int(row.number(0))
            counters.historyBytes = Int(row.number(1))
            return false
        }
        return counters
    }

    /// `isAlive` says whether a lease may still be put with.
    func apply(_ work: Work, to counters: inout Counters, isAlive: (LeaseID) -> Bool) throws -> Applied {
        switch work {
        case .transaction(let transaction): try apply(transaction, to: &counters, isAlive: isAlive)
        case .endLease(let lease): try delete(Schema.keysOfLease, [.number(lease.number)], to: &counters)
        case .compact(let revision): try compact(to: revision, &counters)
        }
    }

    private func apply(
        _ transaction: Transaction,
        to counters: inout Counters,
        isAlive: (LeaseID) -> Bool
    ) throws -> Applied {
        for case .put(_, _, let lease?) in transaction.operations where !isAlive(lease) {
            return Applied(outcome: .refused(.leaseNotFound(lease)))
        }
        for compare in transaction.compares where try !holds(compare) { return Applied(outcome: .conflict) }
        let revision = counters.revision.next
        var events: [StoreEvent] = []
        for operation in transaction.operations {
            switch operation {
            case .put(let key, let value, let lease):
                events.append(.put(try put(key, value, lease: lease, at: revision)))
            case .delete(let range) where !range.isEmpty:
                events += try delete(Schema.keys(bounded: range.isBounded), range.values, at: revision)
            case .delete: break
            }
        }
        return try finish(events, &counters)
    }

    /// Deletes every key that `sql` lists, at one revision.
    func delete(_ sql: String, _ values: [SQLiteValue], to counters: inout Counters) throws -> Applied {
        try finish(delete(sql, values, at: counters.revision.next), &counters)
    }

    private func delete(_ sql: String, _ values: [SQLiteValue], at revision: Revision) throws -> [StoreEvent] {
        var keys: [Key] = []
        try each(sql, values) { row in
            keys.append(row.key(0))
            return true
        }
        for key in keys { try run(Schema.delete, .key(key)) }
        return keys.map { .delete($0, at: revision) }
    }

    private func put(_ key: Key, _ value: [UInt8], lease: LeaseID?, at revision: Revision) throws -> StoredEntry {
        let created = try number(Schema.revisions, .key(key)).map(Revision.init) ?? revision
        let entry = StoredEntry(key: key, value: value, created: created, modified: revision, lease: lease)
        try run(
            Schema.put,
            .key(key),
            .number(created.number),
            .number(revision.number),
            SQLiteValue(lease),
            .bytes(value)
        )
        return entry
    }

    private func holds(_ compare: Compare) throws -> Bool {
        let (key, expected): (Key, (_ created: Int64, _ modified: Int64) -> Bool) =
            switch compare {
            case .absent(let key): (key, { _, _ in false })
            case .present(let key): (key, { _, _ in true })
            case .modified(let key, at: let revision): (key, { $1 == revision.number })
            case .created(let key, at: let revision): (key, { created, _ in created == revision.number })
            }
        var holds = if case .absent = compare { true } else { false }
        try each(Schema.revisions, [.key(key)]) { row in
            holds = expected(row.number(0), row.number(1))
            return false
        }
        return holds
    }

    /// Writes the history of a transaction. One that changed nothing has no revision of its own.
    private func finish(_ events: [StoreEvent], _ counters: inout Counters) throws -> Applied {
        guard !events.isEmpty else { return Applied(outcome: .committed(counters.revision)) }
        counters.revision = counters.revision.next
        let revision = SQLiteValue.number(counters.revision.number)
        for (ordinal, event) in events.enumerated() {
            let number = SQLiteValue.number(Int64(ordinal))
            switch event {
            case .put(let entry):
                let created = SQLiteValue.number(entry.created.number)
                let (lease, value) = (SQLiteValue(entry.lease), SQLiteValue.bytes(entry.value))
                try run(Schema.record, revision, number, .key(entry.key), created, lease, value)
            case .delete(let key, at: _):
                try run(Schema.record, revision, number, .key(key), .number(0), .null, .bytes([]))
            }
            counters.historyBytes += event.size
        }
        counters.historyChanges += events.count
        return Applied(outcome: .committed(counters.revision), events: events)
    }
}

extension SQLiteValue {
    init(_ lease: LeaseID?) { self = lease.map { .number($0.number) } ?? .null }
}

extension StoreError {
    static func leaseNotFound(_ lease: LeaseID) -> StoreError {
        StoreError(.leaseNotFound, "Lease \(lease) has ended or never was; grant a new one.")
    }
}
