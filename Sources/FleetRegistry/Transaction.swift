package import FleetModel

/// An atomic change of the registry: if every compare holds, every operation happens, all at one new revision;
/// otherwise nothing does. The model is etcd's `Txn` without an else branch.
package struct Transaction: Hashable, Sendable {
    package var compares: [Compare]
    package var operations: [StoreOperation]

    package init(compares: [Compare] = [], operations: [StoreOperation] = []) {
        self.compares = compares
        self.operations = operations
    }
}

/// A condition on one key.
package enum Compare: Hashable, Sendable {
    /// The key does not exist.
    case absent(Key)
    /// The key exists.
    case present(Key)
    /// The key was changed last at this revision, and exists.
    case modified(Key, at: Revision)
    /// The key was created at this revision and not deleted since.
    case created(Key, at: Revision)

    /// Nobody has changed the key since it was seen: last changed at `revision`; for nil, not there.
    package static func unchanged(_ key: Key, since revision: Revision?) -> Compare {
        revision.map { .modified(key, at: $0) } ?? .absent(key)
    }
}

/// One change inside a transaction. A transaction may not touch a key twice (etcd refuses that too).
package enum StoreOperation: Hashable, Sendable {
    case put(Key, [UInt8], lease: LeaseID?)
    case delete(KeyRange)
}

/// Identifies a lease of the store; 0 is never one.
package struct LeaseID: Hashable, Sendable, CustomStringConvertible {
    package let number: Int64

    package init(_ number: Int64) { self.number = number }
    package var description: String { String(number) }
}

/// A key with its value and its history.
package struct StoredEntry: Hashable, Sendable {
    package var key: Key
    package var value: [UInt8]
    package var created: Revision
    package var modified: Revision
    package var lease: LeaseID?

    package init(key: Key, value: [UInt8], created: Revision, modified: Revision, lease: LeaseID?) {
        self.key = key
        self.value = value
        self.created = created
        self.modified = modified
        self.lease = lease
    }
}

/// One change as a watch reports it.
package enum StoreEvent: Hashable, Sendable {
    case put(StoredEntry)
    case delete(Key, at: Revision)

    /// What was put; nil for a delete.
    package var entry: StoredEntry? {
        if case .put(let entry) = self { entry } else { nil }
    }

    package var key: Key {
        switch self {
        case .put(let entry): entry.key
        case .delete(let key, at: _): key
        }
    }

    /// When it happened.
    package var revision: Revision {
        switch self {
        case .put(let entry): entry.modified
        case .delete(_, at: let revision): revision
        }
    }
}
