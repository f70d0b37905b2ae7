package import FleetModel

/// Port: the machine's clock. The only place where ring 2 learns what time it is, so that tests can move it.
package protocol WallClock: Sendable {
    func now() -> Timestamp
    /// Returns at `deadline` or at once if it has passed. Throws `CancellationError` when the task is cancelled.
    func sleep(until deadline: Timestamp) async throws
}
