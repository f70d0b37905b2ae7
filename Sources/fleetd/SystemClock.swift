import FleetModel
import FleetRuntime
import Glibc

/// The machine's clock.
struct SystemClock: WallClock {
    private static let start = ContinuousClock.now

    func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Sleeps on the clock that counts suspend. A step of the wall clock is noticed when the sleep is over: it is late
    /// then by no more than the step, never early.
    func sleep(until deadline: Timestamp) async throws {
        while true {
            let left = deadline.since(now())
            guard left > .zero else { return }
            try await Task.sleep(for: left, clock: .continuous)
        }
    }

    func elapsed() -> Duration { ContinuousClock.now - Self.start }

    func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration, clock: .continuous)
    }
}
