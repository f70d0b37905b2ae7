package import FleetModel
package import FleetRegistry

/// A registry without a store: transactions are applied at once, and folded by the real feed. For tests of what reads
/// snapshots and writes transactions and needs neither time nor tasks.
package struct FoldedRegistry: Sendable {
    package private(set) var entries: [Key: StoredEntry] = [:]
    package private(set) var revision = Revision.zero
    package let keyspace: Keyspace
    private var feed: SnapshotFeed

    package init(keyspace: Keyspace = .standard) {
        self.keyspace = keyspace
        feed = SnapshotFeed(keyspace: keyspace)
    }

    package var snapshot: Snapshot { feed.snapshot }

    /// False, and nothing is changed, when a compare does not hold.
    package mutating func commit(_ transaction: Transaction) -> Bool {
        guard transaction.compares.allSatisfy(holds) else { return false }
        revision = revision.next
        var events: [StoreEvent] = []
        for operation in transaction.operations {
            switch operation {
            case .put(let key, let value, let lease):
                let created = entries[key]?.created ?? revision
                let entry = StoredEntry(key: key, value: value, created: created, modified: revision, lease: lease)
                entries[key] = entry
                events.append(.put(entry))
            case .delete(let range):
                for key in entries.keys.filter(range.contains).sorted() {
                    entries[key] = nil
                    events.append(.delete(key, at: revision))
                }
            }
        }
        _ = feed.apply(events, upTo: revision)
        return true
    }

    package mutating func put(_ key: RegistryKey, _ value: some Encodable) {
        _ = commit(Transaction(operations: [.put(key.key(in: keyspace), RegistryValue.encode(value), lease: nil)]))
    }

    package mutating func put(_ key: RegistryKey, text: String) {
        _ = commit(Transaction(operations: [.put(key.key(in: keyspace), Array(text.utf8), lease: nil)]))
    }

    package mutating func delete(_ key: RegistryKey) {
        _ = commit(Transaction(operations: [.delete(.key(key.key(in: keyspace)))]))
    }

    private func holds(_ compare: Compare) -> Bool {
        switch compare {
        case .absent(let key): entries[key] == nil
        case .present(let key): entries[key] != nil
        case .modified(let key, let at): entries[key]?.modified == at
        case .created(let key, let at): entries[key]?.created == at
        }
    }
}
