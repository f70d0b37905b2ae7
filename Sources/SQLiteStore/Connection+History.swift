import FleetModel
import FleetRegistry
import FleetRuntime

/// A piece of the history for a watch that is behind.
struct HistoryChunk: Sendable {
    var events: [StoreEvent]
    /// Every change up to and including this revision was looked at.
    var through: Revision
    /// The oldest revision that was there when the chunk was read.
    var oldest: Revision
}

extension Connection {
    /// Forgets the history before `revision`.
    func compact(to revision: Revision, _ counters: inout Counters) throws -> Applied {
        guard revision <= counters.revision else {
            let message = "Revision \(revision) is yet to come; the newest is \(counters.revision)."
            return Applied(outcome: .refused(StoreError(.invalid, message)))
        }
        if revision > counters.oldest {
            try each(Schema.forgottenSize, [.number(revision.number)]) { row in
                counters.historyChanges -= Int(row.number(0))
                counters.historyBytes -= Int(row.number(1))
                return false
            }
            try run(Schema.forget, .number(revision.number))
            try run(Schema.setOldest, .number(revision.number))
            counters.oldest = revision
        }
        return Applied(outcome: .committed(counters.revision))
    }

    /// Keeps the history within its bounds, always with the newest revision. Done once per `historySlack` changes.
    func trim(_ counters: inout Counters, _ tuning: StoreTuning) throws {
        let isLong = counters.historyChanges > tuning.historyChanges + tuning.historySlack
        let isLarge = counters.historyBytes > tuning.historyBytes / 4 * 5
        guard isLong || isLarge else { return }
        var (changes, bytes, cut) = (counters.historyChanges, counters.historyBytes, counters.oldest)
        try each(Schema.oldestChanges, []) { row in
            let revision = Revision(row.number(0))
            // A revision goes wholly or not at all: the bounds are looked at where one ends.
            if revision > cut {
                cut = revision
                if changes <= tuning.historyChanges && bytes <= tuning.historyBytes { return false }
            }
            changes -= 1
            bytes -= Int(row.number(1))
            return true
        }
        guard case .refused(let error) = try compact(to: cut, &counters).outcome else { return }
        throw error
    }

    /// The changes of `range` from `start` on: at least one revision, about `limit` events, revisions whole.
    func changes(of range: KeyRange, from start: Revision, limit: Int, bytes: Int) throws -> HistoryChunk {
        var chunk = HistoryChunk(events: [], through: try newestRevision(), oldest: try oldestRevision())
        guard !range.isEmpty else { return chunk }
        var size = 0
        try each(Schema.changes(bounded: range.isBounded), [.number(start.number)] + range.values) { row in
            if let last = chunk.events.last?.revision, chunk.events.count >= limit || size >= bytes,
                row.number(2) != last.number
            {
                chunk.through = last
                return false
            }
            let event = row.event()
            size += event.size
            chunk.events.append(event)
            return true
        }
        return chunk
    }

    func entries(in range: KeyRange, limit: Int) throws -> RangeAnswer {
        var answer = RangeAnswer(entries: [], revision: try newestRevision())
        guard !range.isEmpty else { return answer }
        try each(Schema.entries(bounded: range.isBounded), range.values) { row in
            if limit > 0 && answer.entries.count == limit {
                answer.isCut = true
                return false
            }
            answer.entries.append(row.entry())
            return true
        }
        return answer
    }
}
