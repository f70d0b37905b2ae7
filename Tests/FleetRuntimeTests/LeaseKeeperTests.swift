import FleetModel
import FleetRegistry
import FleetRuntime
import MemoryStore
import Synchronization
import Testing

/// When a lease is renewed, and when it is taken for lost: a lease of 30 s, so a renewal every 10 s.
@Suite struct LeaseKeeperTests {
    @Test func renewsInTime() async throws {
        try await KeeperBench().run { bench in
            try await bench.pass(.seconds(9))
            #expect(bench.renewed == [])
            try await bench.pass(.seconds(1))
            #expect(bench.renewed == [.seconds(10)])
            try await bench.pass(.seconds(10))
            #expect(bench.renewed == [.seconds(10), .seconds(20)])
            #expect(bench.end == nil)
        }
    }

    /// The pause after a failure is the user's of the lease.
    @Test(arguments: [2, 10]) func triesAgainAfterAFailure(_ seconds: Int) async throws {
        let retry: @Sendable (Duration) -> Duration =
            seconds == 2 ? LeaseRenewal.pauseAfterFailure : LeaseRenewal.pause
        try await KeeperBench(retry: retry).run { bench in
            bench.store.isCut.withLock { $0 = true }
            try await bench.pass(.seconds(10))
            #expect(bench.store.renewals.withLock { $0 } == 1)
            bench.store.isCut.withLock { $0 = false }
            try await bench.pass(.seconds(seconds - 1))
            #expect(bench.renewed == [])
            try await bench.pass(.seconds(1))
            #expect(bench.renewed == [.seconds(10 + seconds)])
            try await bench.pass(.seconds(9))
            #expect(bench.renewed.count == 1)
            try await bench.pass(.seconds(1))
            #expect(bench.renewed.count == 2)
        }
    }

    /// Granting took five seconds of the lease's life.
    @Test func isLostWhenItCouldNotBeRenewedForAsLongAsItLives() async throws {
        let bench = KeeperBench()
        bench.clock.manual.advance(by: .seconds(5))
        try await bench.run { bench in
            bench.store.isCut.withLock { $0 = true }
            // Renewals at 15, 17, ... 29 fail; the next is the first after the lease's end.
            try await bench.pass(.seconds(10))
            for _ in 0..<7 { try await bench.pass(.seconds(2)) }
            #expect(bench.clock.elapsed() == .seconds(29))
            #expect(bench.end == nil)
            try await bench.pass(.seconds(2))
            #expect((bench.end as? StoreError)?.code == .unavailable)
            #expect(bench.renewed == [])
        }
    }

    @Test func isLostWhenTheRegistrySaysSo() async throws {
        try await KeeperBench().run { bench in
            try await bench.store.revoke(LeaseID(1))
            try await bench.pass(.seconds(10))
            #expect((bench.end as? StoreError)?.code == .leaseNotFound)
            #expect(bench.renewed == [])
        }
    }

    @Test(arguments: [LeaseLife.whileOpen, .ttl(.seconds(30))]) func endsWithItsTask(_ life: LeaseLife) async throws {
        let bench = KeeperBench(life: life)
        try await bench.run { _ in }
        #expect(bench.end is CancellationError)
        #expect(bench.clock.manual.sleepers == 0)
        #expect(bench.renewed == [])
    }
}

/// A lease that is kept.
private final class KeeperBench: Sendable {
    let store = WatchedStore(MemoryStore())
    let clock = ManualWallClock()
    private let life: LeaseLife
    private let keeper: LeaseKeeper
    private let state = Mutex((renewed: [Duration](), end: (any Error)?.none))

    init(
        life: LeaseLife = .ttl(.seconds(30)),
        retry: @escaping @Sendable (Duration) -> Duration = LeaseRenewal.pauseAfterFailure
    ) {
        self.life = life
        keeper = LeaseKeeper(store: store, life: life, retry: retry, clock: clock)
    }

    /// When the renewals that came through were sent.
    var renewed: [Duration] { state.withLock { $0.renewed } }
    /// How the keeping ended.
    var end: (any Error)? { state.withLock { $0.end } }

    /// Runs `body` beside the keeper of a lease that was asked for at 0, then cancels it.
    func run(_ body: (KeeperBench) async throws -> Void) async throws {
        let lease = try await store.grantLease(life)
        let keeping = Task {
            do {
                try await keeper.keep(lease, since: .zero) { sent in
                    self.state.withLock { $0.renewed.append(sent) }
                }
            } catch {
                self.state.withLock { $0.end = error }
            }
        }
        defer { keeping.cancel() }
        try await body(self)
        keeping.cancel()
        await keeping.value
    }

    /// Lets time pass for a keeper that waits, until it waits again or has ended.
    func pass(_ time: Duration) async throws {
        try await eventually("it waits") { clock.manual.sleepers == 1 }
        clock.manual.advance(by: time)
        try await eventually("it has done what was due") { clock.manual.sleepers == 1 || end != nil }
    }
}
