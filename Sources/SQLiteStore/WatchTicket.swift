import FleetModel
import FleetRegistry
import FleetRuntime

/// The consumer's end of one watch. When its stream is dropped, so is this, and with it the watch.
final class WatchTicket: Sendable {
    private let id: WatchHub.ID
    private let range: KeyRange
    private let hub: WatchHub
    private let reader: Reader

    init(_ range: KeyRange, from start: Revision, hub: WatchHub, reader: Reader) {
        self.id = hub.add(range, from: start)
        self.range = range
        self.hub = hub
        self.reader = reader
    }

    deinit { hub.remove(id) }

    /// The next batch; nil when the consumer was cancelled.
    func next() async throws -> WatchBatch? {
        while true {
            switch try await hub.step(id) {
            case .ended: return nil
            case .deliver(let batch): return batch
            case .read(let start):
                let chunk = try await reader.changes(of: range, from: start)
                // The history may have been compacted between the step and the read.
                guard start >= chunk.oldest else { throw StoreError.compacted(start, oldest: chunk.oldest) }
                hub.advance(id, past: max(chunk.through, start))
                guard !chunk.events.isEmpty else { continue }
                return WatchBatch(events: chunk.events, revision: chunk.through)
            }
        }
    }
}

extension StoreError {
    static func compacted(_ start: Revision, oldest: Revision) -> StoreError {
        StoreError(
            .compacted,
            "The changes since revision \(start) are no longer kept, only those since \(oldest): list again."
        )
    }
}
