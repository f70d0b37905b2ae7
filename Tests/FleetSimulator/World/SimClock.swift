import FleetModel

/// A machine's wall clock: it runs too fast or too slow, and is set now and then.
final class SimClock {
    private unowned let world: SimWorld
    /// What the clock said at `since`.
    private var reading: Int64
    private var since = SimTime.start
    /// Parts per million by which it is fast; negative: slow.
    private let drift: Int64

    /// 2026-01-01T00:00:00Z: a time with the usual number of digits.
    private static let origin: Int64 = 1_767_225_600_000_000

    init(world: SimWorld, offset: SimSpan, drift: Int64) {
        self.world = world
        self.drift = drift
        reading = Self.origin + offset.microseconds
    }

    private var microseconds: Int64 {
        let elapsed = world.now.since(since).microseconds
        return reading + elapsed + elapsed * drift / 1_000_000
    }

    var now: Timestamp { Timestamp(milliseconds: microseconds / 1000) }

    /// What the clock that nobody sets has counted.
    var elapsed: Duration {
        let elapsed = world.now.microseconds
        return .microseconds(elapsed + elapsed * drift / 1_000_000)
    }

    func step(by span: SimSpan) {
        reading = microseconds + span.microseconds
        since = world.now
    }

    /// What fleetd never does, but when a mistake is planted: waits for a time of day. A step of the clock makes it
    /// late by the step.
    func wake(_ process: SimProcess, at deadline: Timestamp, _ action: @escaping () -> Void) {
        let left = deadline.since(now)
        guard left > .zero else { return process.after(.zero, action) }
        process.after(lasting(SimSpan(left))) { self.wake(process, at: deadline, action) }
    }

    /// Mirrors `SystemClock.sleep(for:)`: steps do not matter.
    func wake(_ process: SimProcess, after span: SimSpan, _ action: @escaping () -> Void) {
        process.after(lasting(span), action)
    }

    /// The true length of what this clock takes for `span`.
    func lasting(_ span: SimSpan) -> SimSpan {
        SimSpan(microseconds: span.microseconds * 1_000_000 / (1_000_000 + drift) + 1)
    }
}
