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

    private let known = RegistryKey.known(.nobody).key(in: .standard)

    @Test func aMachineThatLeavesIsNotRemembered() async throws {
        try await run({ _, _ in }) { session in
            try await eventually("registered") { clock.manual.sleepers == 1 }
            #expect(store.inner.entries.count == 2)
            await session.leave()
            #expect(store.inner.entries.isEmpty)
        }
    }

    /// A registry that answers late has been silent.
    @Test func theEarHearsEveryAnswer() async throws {
        try await run({ _, _ in }) { session in
            try await eventually("registered") { clock.manual.sleepers == 1 }
            #expect(session.ear.left(at: clock.elapsed()) == nil)
            clock.manual.advance(by: .seconds(10))
            try await eventually("renewed") { clock.manual.sleepers == 1 && store.renewals.withLock { $0 } == 1 }
            #expect(session.ear.left(at: clock.elapsed() + .seconds(17)) == nil)
            #expect(session.ear.left(at: clock.elapsed() + .seconds(18)) == RegistrySilence.grace)
        }
    }

    private func run(
        _ renewed: @escaping @Sendable (LeaseID, Duration) -> Void,
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
