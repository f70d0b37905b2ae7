package import FleetRegistry

/// Keeps one lease after the other for whoever hangs keys on them, each until it is lost.
///
/// What hangs on a lease is kept for as long as the lease may live: a registry that is silent for a moment is no reason
/// to put everything on a new one.
package struct LeaseKeeper: Sendable {
    private let store: any KeyValueStore
    private let life: LeaseLife
    private let retry: @Sendable (_ ttl: Duration) -> Duration
    private let clock: any WallClock

    /// `retry` says how long to wait after a renewal that failed. Of one that was sent, only the time of sending is
    /// certain (`LeaseRenewal`), so every pause counts against the lease's life.
    package init(
        store: any KeyValueStore,
        life: LeaseLife,
        retry: @escaping @Sendable (_ ttl: Duration) -> Duration,
        clock: any WallClock
    ) {
        self.store = store
        self.life = life
        self.retry = retry
        self.clock = clock
    }

    /// Renews a lease that was asked for at `sent`, a time of `WallClock.elapsed`, and tells `renewed` when each
    /// renewal that came through was sent. Returns never: throws a `StoreError` when the lease is lost,
    /// `CancellationError` when the task is cancelled.
    package func keep(
        _ lease: LeaseID,
        since sent: Duration,
        renewed: @Sendable (_ sent: Duration) -> Void = { _ in }
    ) async throws -> Never {
        // Nothing to renew: the lease ends with this process.
        guard case .ttl(let ttl) = life else { try await waitForCancellation() }
        var renewal = LeaseRenewal(ttl: ttl, at: sent)
        var pause = LeaseRenewal.pause(of: ttl)
        while true {
            try await clock.sleep(for: pause)
            let sent = clock.elapsed()
            let problem = await renew(lease)
            guard renewal.isAlive(after: problem, sent: sent, at: clock.elapsed()) else {
                throw problem ?? StoreError(.leaseNotFound, "its lease was not renewed in time")
            }
            if problem == nil { renewed(sent) }
            pause = problem == nil ? LeaseRenewal.pause(of: ttl) : retry(ttl)
        }
    }

    /// nil when the lease was renewed.
    private func renew(_ lease: LeaseID) async -> StoreError? {
        do throws(StoreError) {
            try await store.keepAlive(lease)
            return nil
        } catch {
            return error
        }
    }
}
