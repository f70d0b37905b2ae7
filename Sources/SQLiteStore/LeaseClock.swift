/// The time leases are measured with, as a distance from an arbitrary origin. fleetd's counts suspend
/// (`ContinuousClock` reads CLOCK_BOOTTIME); tests bring their own.
struct LeaseClock: Sendable {
    let now: @Sendable () -> Duration
    let sleep: @Sendable (_ until: Duration) async throws -> Void

    init<Source: Clock>(_ clock: Source) where Source.Duration == Duration {
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
    }
}
