package import FleetModel

/// Port: the machine's clock. The only place where ring 2 learns what time it is, so that tests can move it.
package protocol WallClock: Sendable {
    func now() -> Timestamp
    /// Returns at `deadline` or at once if it has passed. Throws `CancellationError` when the task is cancelled.
    func sleep(until deadline: Timestamp) async throws
    /// The time since some beginning, by a clock that nobody sets and that counts while the machine is suspended. For
    /// everything that the registry measures too: leases.
    func elapsed() -> Duration
    /// Returns after `duration` or, when the machine was suspended meanwhile, up to that much later: ask `elapsed`.
    /// Throws `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}
