package import FleetModel
package import FleetRegistry
package import FleetRuntime
import Synchronization

/// The registry in memory, for tests: deterministic, with a clock that moves only when told and with faults on demand.
///
/// Written without looking at how the real stores work, so that comparing them means something.
package final class MemoryStore: KeyValueStore {
    struct Watch {
        var range: KeyRange
        var start: Revision
        var consumer: AsyncThrowingStream<WatchBatch, any Error>.Continuation
    }

    struct Lease {
        var length: Duration?
        var deadline: Duration?
    }

    struct State {
        var contents = Contents()
        var leases: [LeaseID: Lease] = [:]
        var lastLease: Int64 = 0
        var now = Duration.zero
        var watches: [Int: Watch] = [:]
        var issued = 0
        var fault: CommitFault?
        var isClosed = false
    }

    let state: Mutex<State>

    package init() { state = Mutex(State()) }

    private init(_ old: borrowing State) {
        var state = State()
        state.contents = old.contents
        state.lastLease = old.lastLease
        state.now = old.now
        for event in state.contents.delete(where: { $0.lease != nil }) { state.contents.record(event) }
        self.state = Mutex(state)
    }

    /// Closes this store and returns what the next process would find: the same entries, without those on leases.
    package func reopened() async -> MemoryStore {
        await close()
        return state.withLock { MemoryStore($0) }
    }

    /// Another store with what this one has at present, as from a backup.
    package func copy() -> MemoryStore { state.withLock { MemoryStore($0) } }

    /// Every entry, in key order.
    package var entries: [StoredEntry] { state.withLock { $0.contents.entries } }
    package var revision: Revision { state.withLock { $0.contents.revision } }

    package func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer {
        let answer: RangeAnswer? = state.withLock { state in
            guard !state.isClosed else { return nil }
            let found = state.contents.entries(in: range)
            let kept = limit == 0 ? found : found.prefix(limit)
            let isCut = kept.count < found.count
            return RangeAnswer(entries: Array(kept), revision: state.contents.revision, isCut: isCut)
        }
        guard let answer else { throw Self.closed }
        return answer
    }

    package func commit(_ transaction: Transaction) async -> CommitOutcome {
        state.withLock { state in
            if state.isClosed { return .refused(Self.closed) }
            if let defect = transaction.defect { return .refused(StoreError(.invalid, defect)) }
            defer { state.fault = nil }
            switch state.fault {
            case .refused(let error): return .refused(error)
            case .unknown(isApplied: false): return .unknown(Self.lost)
            case .unknown(isApplied: true):
                _ = Self.apply(transaction, &state)
                return .unknown(Self.lost)
            case nil: return Self.apply(transaction, &state)
            }
        }
    }

    package func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        let (stream, consumer) = AsyncThrowingStream<WatchBatch, any Error>.makeStream()
        let (id, error): (Int, StoreError?) = state.withLock { state in
            state.issued += 1
            if state.isClosed { return (state.issued, Self.closed) }
            if start < state.contents.oldest { return (state.issued, Self.compacted) }
            let watch = Watch(range: range, start: start, consumer: consumer)
            for batch in state.contents.history(from: start) { watch.deliver(batch) }
            state.watches[state.issued] = watch
            return (state.issued, nil)
        }
        consumer.onTermination = { [weak self] _ in
            // The watch is returned so that it is released outside the lock.
            _ = self?.state.withLock { $0.watches.removeValue(forKey: id) }
        }
        if let error { consumer.finish(throwing: error) }
        return stream
    }

    package func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID {
        if case .ttl(let length) = life, length <= .zero {
            throw StoreError(.invalid, "a lease that ends before it begins")
        }
        let id: LeaseID? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.lastLease += 1
            let id = LeaseID(state.lastLease)
            switch life {
            case .whileOpen: state.leases[id] = Lease()
            case .ttl(let length): state.leases[id] = Lease(length: length, deadline: state.now + length)
            }
            return id
        }
        guard let id else { throw Self.closed }
        return id
    }

    package func keepAlive(_ lease: LeaseID) async throws(StoreError) {
        let isAlive = state.withLock { state in
            guard let length = state.leases[lease]?.length else { return state.leases[lease] != nil }
            state.leases[lease]?.deadline = state.now + length
            return true
        }
        guard isAlive else { throw Self.leaseNotFound }
    }

    package func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime? {
        let (found, now) = state.withLock { ($0.leases[lease], $0.now) }
        guard let found else { throw Self.leaseNotFound }
        guard let length = found.length, let deadline = found.deadline else { return nil }
        return LeaseTime(left: deadline - now, whole: length)
    }

    package func revoke(_ lease: LeaseID) async throws(StoreError) {
        let wasAlive = state.withLock { state in
            guard state.leases.removeValue(forKey: lease) != nil else { return false }
            Self.end(lease, &state)
            return true
        }
        guard wasAlive else { throw Self.leaseNotFound }
    }

    package func compact(to revision: Revision) async throws(StoreError) {
        let error: StoreError? = state.withLock { state in
            if state.isClosed { return Self.closed }
            if revision > state.contents.revision { return StoreError(.invalid, "revision \(revision) is yet to come") }
            state.contents.forget(before: revision)
            return nil
        }
        if let error { throw error }
    }

    package func close() async {
        state.withLock { state in
            state.isClosed = true
            state.leases = [:]
        }
        endWatches(Self.closed)
    }

    static func apply(_ transaction: Transaction, _ state: inout State) -> CommitOutcome {
        for case .put(_, _, let lease?) in transaction.operations where state.leases[lease] == nil {
            return .refused(leaseNotFound)
        }
        guard transaction.compares.allSatisfy(state.contents.holds) else { return .conflict }
        publish(state.contents.apply(transaction.operations), &state)
        return .committed(state.contents.revision)
    }

    static func end(_ lease: LeaseID, _ state: inout State) {
        publish(state.contents.delete(where: { $0.lease == lease }), &state)
    }

    private static func publish(_ events: [StoreEvent], _ state: inout State) {
        for event in events { state.contents.record(event) }
        guard !events.isEmpty else { return }
        let batch = WatchBatch(events: events, revision: state.contents.revision)
        for (_, watch) in state.watches.sorted(by: { $0.key < $1.key }) { watch.deliver(batch) }
    }

    static let closed = StoreError(.closed, "the store has been closed")
    static let compacted = StoreError(.compacted, "these changes are no longer kept")
    static let leaseNotFound = StoreError(.leaseNotFound, "the lease has ended or never was")
    private static let lost = StoreError(.unavailable, "the answer was lost")
}

extension MemoryStore.Watch {
    /// Gives the consumer what concerns it of one revision.
    func deliver(_ batch: WatchBatch) {
        let events = batch.events.filter { range.contains($0.key) }
        guard batch.revision >= start, !events.isEmpty else { return }
        consumer.yield(WatchBatch(events: events, revision: batch.revision))
    }
}
