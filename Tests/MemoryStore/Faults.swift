import FleetRegistry
package import FleetRuntime
import Synchronization

/// What the next commit ends in.
package enum CommitFault: Hashable, Sendable {
    /// The caller does not learn what became of it.
    case unknown(isApplied: Bool)
    /// Nothing is changed.
    case refused(StoreError)
}

extension MemoryStore {
    /// Lets time pass; leases whose time is over end, the earliest first, each in a revision of its own.
    package func advance(by duration: Duration) {
        state.withLock { state in
            state.now += duration
            let due = state.leases.compactMap { id, lease in lease.deadline.map { ($0, id.number) } }
                .filter { $0.0 <= state.now }
                .sorted(by: <)
            for (_, number) in due {
                state.leases[LeaseID(number)] = nil
                Self.end(LeaseID(number), &state)
            }
        }
    }

    /// What the next commit that is well formed ends in.
    package func failNextCommit(_ fault: CommitFault) {
        state.withLock { $0.fault = fault }
    }

    /// Ends every watch there is: `unavailable` as when a connection breaks, say.
    package func endWatches(_ error: StoreError) {
        let watches = state.withLock { state in
            let watches = state.watches.sorted { $0.key < $1.key }.map(\.value)
            state.watches = [:]
            return watches
        }
        for watch in watches { watch.consumer.finish(throwing: error) }
    }

    /// Compacts to the newest revision and ends every watch, as if its consumer had been too slow.
    package func compactUnderWatches() {
        state.withLock { $0.contents.forget(before: $0.contents.revision) }
        endWatches(Self.compacted)
    }
}
