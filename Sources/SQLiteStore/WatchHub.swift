import FleetModel
import FleetRegistry
import FleetRuntime
import Synchronization

/// Hands committed changes to the watches, right after they are durable.
///
/// A watch is *live* when everything before the newest revision has been handed to it or waits in its backlog;
/// otherwise it reads the history, piece by piece, as fast as its consumer asks. One that is too slow for its backlog
/// becomes one of the latter. So memory is bounded whatever the consumers do, and there are no gaps and no duplicates:
/// `next` is the first revision not handed out, and both ways respect it.
final class WatchHub: Sendable {
    /// What a watch's consumer does next.
    enum Step {
        case deliver(WatchBatch)
        /// Read the history from this revision on, then `advance`.
        case read(from: Revision)
        /// The consumer was cancelled.
        case ended
    }

    struct ID: Hashable { fileprivate let number: Int }

    private struct State {
        var watches: [ID: Watch] = [:]
        var issued = 0
        var last = Revision.zero
        var oldest = Revision.zero
        var end: StoreError?
    }

    private let state = Mutex(State())
    private let tuning: StoreTuning

    init(tuning: StoreTuning) { self.tuning = tuning }

    /// How many consumers wait for something to do.
    var waiters: Int { state.withLock { $0.watches.values.count { $0.waiter != nil } } }

    func add(_ range: KeyRange, from start: Revision) -> ID {
        state.withLock { state in
            state.issued += 1
            let id = ID(number: state.issued)
            state.watches[id] = Watch(range: range, next: start)
            return id
        }
    }

    /// The consumer is gone.
    func remove(_ id: ID) {
        let watch = state.withLock { $0.watches.removeValue(forKey: id) }
        watch?.waiter?.resume(returning: .ended)
    }

    /// Waits until there is something to do. Throws `compacted` or `closed`, after which the watch is over.
    func step(_ id: ID) async throws -> Step {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let result: Result<Step, any Error>? = state.withLock { state in
                    do {
                        guard let step = try Self.step(id, &state) else {
                            state.watches[id]?.waiter = waiter
                            return nil
                        }
                        return .success(step)
                    } catch {
                        state.watches[id] = nil
                        return .failure(error)
                    }
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            remove(id)
        }
    }

    /// nil: wait.
    private static func step(_ id: ID, _ state: inout State) throws(StoreError) -> Step? {
        if let end = state.end { throw end }
        guard var watch = state.watches[id] else { return .ended }
        if !watch.isLive && watch.next > state.last { watch.isLive = true }
        defer { state.watches[id] = watch }
        guard watch.isLive else {
            guard watch.next >= state.oldest else { throw .compacted(watch.next, oldest: state.oldest) }
            return .read(from: watch.next)
        }
        return watch.takeBacklog(state.last).map(Step.deliver)
    }

    /// The history was handed out up to `revision`.
    func advance(_ id: ID, past revision: Revision) {
        state.withLock { $0.watches[id]?.next = revision.next }
    }

    /// Revisions up to `last` exist whose changes are to be found in the history only.
    func advance(to last: Revision, oldest: Revision) {
        let steps = state.withLock { state in
            state.oldest = max(state.oldest, oldest)
            let before = state.last
            state.last = max(before, last)
            return last <= before ? [] : state.watches.keys.compactMap { state.watches[$0]?.fallBack(before, last) }
        }
        for (waiter, step) in steps { waiter.resume(returning: step) }
    }

    /// The changes of consecutive revisions that are durable now; `last` is the newest of them.
    func publish(_ changes: [[StoreEvent]], last: Revision, oldest: Revision) {
        let steps = state.withLock { state in
            state.oldest = max(state.oldest, oldest)
            let before = state.last
            state.last = max(before, last)
            return last <= before
                ? [] : state.watches.keys.compactMap { state.watches[$0]?.take(changes, before, last, tuning) }
        }
        for (waiter, step) in steps { waiter.resume(returning: step) }
    }

    /// Ends every watch, those to come too.
    func close() {
        let waiters = state.withLock { state in
            state.end = .closed
            let waiters = state.watches.values.compactMap(\.waiter)
            state.watches = [:]
            return waiters
        }
        for waiter in waiters { waiter.resume(throwing: StoreError.closed) }
    }
}

extension WatchHub {
    fileprivate typealias Waiter = CheckedContinuation<Step, any Error>

    /// One watch, as `WatchHub` describes them.
    fileprivate struct Watch {
        let range: KeyRange
        /// The first revision not handed out. Behind the newest one in a live watch whose range saw no change.
        var next: Revision
        var isLive = false
        var backlog: [StoreEvent] = []
        private var backlogBytes = 0
        var waiter: Waiter?

        init(range: KeyRange, next: Revision) {
            self.range = range
            self.next = next
        }

        mutating func takeBacklog(_ last: Revision) -> WatchBatch? {
            guard !backlog.isEmpty else { return nil }
            defer {
                backlog = []
                backlogBytes = 0
                next = last.next
            }
            return WatchBatch(events: backlog, revision: last)
        }

        /// Takes what concerns this watch of `changes`, which happened after the revision `before`.
        mutating func take(
            _ changes: [[StoreEvent]],
            _ before: Revision,
            _ last: Revision,
            _ tuning: StoreTuning
        ) -> (Waiter, Step)? {
            guard isLive else { return nil }
            let events = changes.lazy.joined().filter { [range, next] in $0.revision >= next && range.contains($0.key) }
            backlog += events
            backlogBytes += events.reduce(0) { $0 + $1.size }
            if let waiter, let batch = takeBacklog(last) {
                self.waiter = nil
                return (waiter, .deliver(batch))
            }
            let isTooLong = backlog.count > tuning.backlogEvents || backlogBytes > tuning.backlogBytes
            return isTooLong ? fallBack(before, last) : nil
        }

        /// From now on this watch reads the history, where everything up to `last` is. All up to `before` was handed
        /// to it or is in its backlog.
        mutating func fallBack(_ before: Revision, _ last: Revision) -> (Waiter, Step)? {
            if isLive { next = backlog.first?.revision ?? max(next, before.next) }
            backlog = []
            backlogBytes = 0
            isLive = next > last
            guard !isLive, let waiter else { return nil }
            self.waiter = nil
            return (waiter, .read(from: next))
        }
    }
}
