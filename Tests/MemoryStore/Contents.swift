import FleetModel
import FleetRegistry
import FleetRuntime

/// Entries and history of a `MemoryStore`: a value, changed by one operation at a time.
struct Contents: Hashable, Sendable {
    /// In key order.
    private(set) var entries: [StoredEntry] = []
    private(set) var revision = Revision.zero
    /// The oldest revision a watch may start from.
    private(set) var oldest = Revision.zero
    /// One batch per revision, oldest first.
    private var history: [WatchBatch] = []

    func entries(in range: KeyRange) -> ArraySlice<StoredEntry> {
        let start = index(of: range.start)
        let end = range.end.map { index(of: $0) } ?? entries.endIndex
        return entries[start..<max(start, end)]
    }

    func history(from start: Revision) -> [WatchBatch] {
        history.filter { $0.revision >= start }
    }

    mutating func forget(before revision: Revision) {
        guard revision > oldest else { return }
        oldest = revision
        history.removeAll { $0.revision < revision }
    }

    func holds(_ compare: Compare) -> Bool {
        switch compare {
        case .absent(let key): entry(key) == nil
        case .present(let key): entry(key) != nil
        case .modified(let key, at: let revision): entry(key)?.modified == revision
        case .created(let key, at: let revision): entry(key)?.created == revision
        }
    }

    /// Changes the entries at the next revision; the events are still to be recorded.
    mutating func apply(_ operations: [StoreOperation]) -> [StoreEvent] {
        operations.flatMap { operation in
            switch operation {
            case .put(let key, let value, let lease): [put(key, value, lease)]
            case .delete(let range): delete(where: { range.contains($0.key) })
            }
        }
    }

    mutating func delete(where isMeant: (StoredEntry) -> Bool) -> [StoreEvent] {
        let keys = entries.filter(isMeant).map(\.key)
        entries.removeAll(where: isMeant)
        return keys.map { .delete($0, at: revision.next) }
    }

    /// Adds an event of the next revision, or of the newest if it is already that one's, to the history.
    mutating func record(_ event: StoreEvent) {
        switch event {
        case .put(let entry): revision = entry.modified
        case .delete(_, at: let deleted): revision = deleted
        }
        if history.last?.revision == revision {
            history[history.count - 1].events.append(event)
        } else {
            history.append(WatchBatch(events: [event], revision: revision))
        }
    }

    private mutating func put(_ key: Key, _ value: [UInt8], _ lease: LeaseID?) -> StoreEvent {
        let created = entry(key)?.created ?? revision.next
        let entry = StoredEntry(key: key, value: value, created: created, modified: revision.next, lease: lease)
        let index = index(of: key)
        if created < revision.next { entries[index] = entry } else { entries.insert(entry, at: index) }
        return .put(entry)
    }

    private func entry(_ key: Key) -> StoredEntry? {
        let index = index(of: key)
        guard index < entries.endIndex, entries[index].key == key else { return nil }
        return entries[index]
    }

    /// Where `key` is, or would be.
    private func index(of key: Key) -> Int {
        var (low, high) = (entries.startIndex, entries.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
