package import FleetModel

/// Port: the machine's clock. The only place where ring 2 learns what time it is, so that tests can move it.
package protocol WallClock: Sendable {
    func now() -> Timestamp
    /// The time since some beginning, by a clock that nobody sets and that counts while the machine is suspended. For
    /// everything that the registry measures too: leases.
    func elapsed() -> Duration
    /// Returns after `duration` or, when the machine was suspended meanwhile, up to that much later: ask `elapsed`.
    /// There is no waiting for a time of day: a clock that is set back by an hour must not make anybody wait an hour.
    /// Throws `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}
