import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing

/// A machine says that it is here for as long as its lease lives, and again under the next one.
@Suite struct MachineSessionTests {
    private let store = WatchedStore(MemoryStore())
    private let clock = ManualWallClock()

    @Test func everyLeaseAndEachOfItsRenewalsIsTold() async throws {
        let told = Mutex<[String]>([])
        try await run({ lease, sent in told.withLock { $0.append("\(lease) at \(sent.components.seconds)") } }) { _ in
            try await eventually("registered") { clock.manual.sleepers == 1 }
            clock.manual.advance(by: .seconds(10))
            try await eventually("renewed") { clock.manual.sleepers == 1 }
            try await store.revoke(LeaseID(1))
            clock.manual.advance(by: .seconds(10))
            try await eventually("has noticed") { clock.manual.sleepers == 1 }
            #expect(store.inner.entries.map(\.key) == [known], "it is remembered")
            clock.manual.advance(by: .seconds(5))
            try await eventually("registered again") { store.inner.entries.last?.lease == LeaseID(2) }
        }
        #expect(told.withLock { $0 } == ["1 at 0", "1 at 10", "2 at 25"])
    }

    private var presence: StoredEntry? { store.inner.entries.first { $0.key == Self.key } }
    private static let key = RegistryKey.presence(.nobody).key(in: .standard)

    /// Puts a presence of this machine's id on a lease of somebody else's.
    private func pretendAnother() async throws -> LeaseID {
        let lease = try await store.grantLease(.ttl(.seconds(30)))
        _ = await store.inner.commit(Transaction(operations: [.put(Self.key, [1], lease: lease)]))
        return lease
    }

    @Test func aSecondMachineWithTheSameIdIsRefused() async throws {
        let other = try await pretendAnother()
        let leases = MemoryLeases()
        try await run(leases: leases) { session in
            let admitted = Mutex(false)
            let waiting = Task {
                await session.admitted()
                admitted.withLock { $0 = true }
            }
            for _ in 0..<20 {
                try await eventually("waits") { clock.manual.sleepers == 1 }
                clock.manual.advance(by: .seconds(5))
                #expect(presence?.lease == other)
            }
            #expect(await session.isRefused)
            #expect(!admitted.withLock { $0 })
            #expect(leases.leases().ids.isEmpty, "a lease was asked for")
            try await store.revoke(other)
            try await eventually("registered in its place") {
                clock.manual.advance(by: .seconds(1))
                return presence.map { leases.leases().contains($0.lease ?? other) } ?? false
            }
            await waiting.value
            #expect(await !session.isRefused)
        }
    }

    /// fleetd was killed and is started again, or its lease was lost and lives all the same.
    @Test func whatHangsOnAFormerLeaseOfItsOwnIsItsOwn() async throws {
        let former = try await pretendAnother()
        try await run(leases: MemoryLeases(OwnLeases(text: "\(former)\n"))) { _ in
            try await eventually("registered") { presence?.lease == LeaseID(2) }
        }
    }

    @Test(arguments: [true, false]) func presenceThatVanishesIsPutAgain(isMoved: Bool) async throws {
        let former = try await store.grantLease(.ttl(.seconds(30)))
        try await run(leases: MemoryLeases(OwnLeases(text: "\(former)\n"))) { session in
            try await eventually("registered") { presence?.lease == LeaseID(2) }
            let late: StoreOperation = isMoved ? .put(Self.key, [1], lease: former) : .delete(.key(Self.key))
            _ = await store.inner.commit(Transaction(operations: [late]))
            await session.noticed(nil, at: .zero)
            #expect(presence?.lease != LeaseID(2), "old news")
            await session.noticed(isMoved ? former : nil, at: store.inner.revision)
            try await eventually("put again") { presence?.lease == LeaseID(2) }
        }
    }

    /// Its lease is given back, so that the presence cannot come to hang there later.
    @Test func aPresenceWithAnUnknownOutcomeIsTakenBack() async throws {
        store.failUnknown(applied: true)
        try await run(leases: MemoryLeases()) { _ in
            try await eventually("registered anew") {
                clock.manual.advance(by: .milliseconds(100))
                return presence?.lease == LeaseID(2)
            }
            await #expect(throws: StoreError.self) { try await store.keepAlive(LeaseID(1)) }
        }
    }

    private let known = RegistryKey.known(.nobody).key(in: .standard)

    @Test func aMachineThatLeavesIsNotRemembered() async throws {
        try await run { session in
            try await eventually("registered") { clock.manual.sleepers == 1 }
            #expect(store.inner.entries.count == 2)
            await session.leave()
            #expect(store.inner.entries.isEmpty)
        }
    }

    /// A registry that answers late has been silent.
    @Test func theEarHearsEveryAnswer() async throws {
        try await run { session in
            try await eventually("registered") { clock.manual.sleepers == 1 }
            #expect(session.ear.left(at: clock.elapsed()) == nil)
            clock.manual.advance(by: .seconds(10))
            try await eventually("renewed") { clock.manual.sleepers == 1 && store.renewals.withLock { $0 } == 1 }
            #expect(session.ear.left(at: clock.elapsed() + .seconds(17)) == nil)
            #expect(session.ear.left(at: clock.elapsed() + .seconds(18)) == RegistrySilence.grace)
        }
    }

    private func run(
        _ renewed: @escaping @Sendable (LeaseID, Duration) -> Void = { _, _ in },
        leases: MemoryLeases = MemoryLeases(),
        _ body: (MachineSession) async throws -> Void
    ) async throws {
        let since = clock.now()
        let session = MachineSession(
            store: store,
            keyspace: .standard,
            machine: .nobody,
            life: .ttl(.seconds(30)),
            presence: {
                MachinePresence(
                    hostname: "one",
                    primaryIP: "10.0.0.1",
                    metadata: [:],
                    version: "1.0",
                    systemdVersion: "252",
                    since: since
                )
            },
            memory: leases,
            renewed: renewed,
            clock: clock,
            log: Logger(label: "session", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await session.run() }
            try await body(session)
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
