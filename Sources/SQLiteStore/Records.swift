import FleetModel
import FleetRegistry

// How the registry's values sit in the rows of `Schema`.

extension Connection {
    /// The newest revision; 0 in a new registry.
    func newestRevision() throws -> Revision {
        Revision(try number(Schema.newest) ?? 0)
    }

    /// The oldest revision a watch may start from.
    func oldestRevision() throws -> Revision {
        Revision(try number(Schema.oldest) ?? 0)
    }
}

extension KeyRange {
    /// What the statements of `Schema` take for a range.
    var values: [SQLiteValue] { [.key(start)] + (end.map { [.key($0)] } ?? []) }

    var isBounded: Bool { end != nil }
}

extension Row {
    /// A row of `Schema.entries` or `Schema.changes`.
    func entry() -> StoredEntry {
        StoredEntry(
            key: key(0),
            value: bytes(4),
            created: Revision(number(1)),
            modified: Revision(number(2)),
            lease: optionalNumber(3).map(LeaseID.init)
        )
    }

    /// A row of `Schema.changes`.
    func event() -> StoreEvent {
        let entry = entry()
        return entry.created == .zero ? .delete(entry.key, at: entry.modified) : .put(entry)
    }
}

extension StoreEvent {
    var key: Key {
        switch self {
        case .put(let entry): entry.key
        case .delete(let key, at: _): key
        }
    }

    /// Bytes of key and value, which is what the bounds of history and backlog count.
    var size: Int {
        switch self {
        case .put(let entry): entry.key.description.utf8.count + entry.value.count
        case .delete(let key, at: _): key.description.utf8.count
        }
    }
}
