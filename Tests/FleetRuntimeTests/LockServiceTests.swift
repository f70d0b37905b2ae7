import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

/// At-most-once units through the agent, the locks, the registry and a pretended fence.
@Suite struct LockServiceTests {
    static let other = UnitLock(machine: .nobody, at: Timestamp(milliseconds: 0))
    let db: UnitName = "db.service"

    func lock(_ bench: AgentBench) throws -> UnitLock? {
        let key = RegistryKey.lock(db).key(in: bench.keyspace)
        guard let entry = bench.store.inner.entries.first(where: { $0.key == key }) else { return nil }
        return try RegistryValue.decode(UnitLock.self, from: entry.value)
    }

    func put(_ lock: UnitLock?, _ bench: AgentBench) async {
        let key = RegistryKey.lock(db).key(in: bench.keyspace)
        await bench.commit([lock.map { .put(key, RegistryValue.encode($0), lease: nil) } ?? .delete(.key(key))])
    }

    @Test func aUnitRunsUnderTheMachinesLockAndGivesItUpAtTheEnd() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([db], atMostOnce: true)
            try await bench.settled(db)
            #expect(try lock(bench)?.machine == bench.machine)
            #expect(bench.fence.allowed == [db])
            await bench.unassign(db)
            try await eventually("the lock is given up") { try lock(bench) == nil }
            #expect(bench.fence.allowed.isEmpty)
        }
    }

    @Test func anotherMachinesLockIsWaitedFor() async throws {
        let bench = try AgentBench()
        await put(Self.other, bench)
        try await bench.run { bench in
            await bench.assign([db], atMostOnce: true)
            try await eventually("it says that it waits") {
                try bench.events(db).contains { $0.kind == .blocked }
            }
            #expect(!bench.units.performed.contains(.start(db)))
            #expect(bench.fence.allowed.isEmpty)
            await put(nil, bench)
            try await bench.settled(db)
            #expect(try lock(bench)?.machine == bench.machine)
        }
    }

    @Test func aMachineThatGoesDownGivesEveryLockBack() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([db], atMostOnce: true)
            try await bench.settled(db)
            await bench.locks.giveBackAll()
            #expect(try lock(bench) == nil)
            #expect(!bench.store.inner.entries.contains { bench.keyspace.locks.contains($0.key) }, "nor its holder")
            #expect(bench.fence.allowed.isEmpty)
        }
    }

    @Test func aLostAnswerIsLookedUp() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            bench.store.failUnknown(applied: true)
            await bench.assign([db], atMostOnce: true)
            try await eventually("db runs") {
                bench.clock.manual.advance(by: .milliseconds(100))
                return try bench.status(db)?.active == "active"
            }
            #expect(try lock(bench)?.machine == bench.machine)
        }
    }

    /// A machine that was frozen wakes up together with its units: whoever finds the deadline long past kills them.
    /// At the deadline itself, and after a renewal, systemd's fence is all that is needed.
    @Test(arguments: [(Duration.milliseconds(6000), false), (.milliseconds(6999), false), (.milliseconds(7000), true)])
    func whoIsLateKills(_ wakes: Duration, _ kills: Bool) async throws {
        let (store, clock, fence) = (WatchedStore(MemoryStore()), ManualWallClock(), FakeFence())
        let locks = LockService(
            store: store,
            keyspace: .standard,
            machine: .nobody,
            life: .ttl(.seconds(10)),
            fence: fence,
            leases: MemoryLeases(),
            clock: clock,
            log: Logger(label: "locks", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await locks.run() }
            let lease = try await store.grantLease(.ttl(.seconds(10)))
            locks.renewed(lease, sent: .zero)
            locks.acquire(db)
            try await eventually("db may run") { fence.allowed == [db] && clock.manual.sleepers > 0 }
            clock.manual.advance(by: .seconds(3))
            locks.renewed(lease, sent: .seconds(3))
            try await eventually("armed anew") { fence.state.withLock { $0.deadlines } == [.seconds(6), .seconds(9)] }
            try await eventually("waits for the deadline") { clock.manual.sleepers > 0 }
            // From the renewal on, which was sent at three seconds.
            clock.manual.advance(by: wakes)
            try await eventually("nobody waits for a deadline") { clock.manual.sleepers == 0 }
            if kills { try await eventually("killed") { fence.state.withLock { !$0.killed.isEmpty } } }
            locks.release(db)
            try await eventually("released") { fence.allowed.isEmpty }
            #expect(fence.state.withLock { $0.killed } == (kills ? [db] : []))
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
