import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

@Suite struct RegistryRecoveryTests {
    private let store = MemoryStore()
    private let clock = ManualWallClock()
    private let keyspace = Keyspace.standard

    private func run(_ body: (RegistryService) async throws -> Void) async throws {
        let service = RegistryService(
            store: store,
            keyspace: keyspace,
            clock: clock,
            version: "test",
            log: Logger(label: "registry", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            do {
                try await reaches(true, service)
                // What it has written itself, the format, has come back: nothing changes any more.
                await service.folded(upTo: store.revision)
                try await body(service)
            } catch is CancellationError {
                // `eventually` has recorded it.
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Polls the service, after `step` each time: by default the clock is turned on.
    private func reaches(_ wanted: Bool, _ service: RegistryService, _ step: (() -> Void)? = nil) async throws {
        let seen = Seen()
        try await eventually("the snapshot is current: \(wanted)") {
            if let step { step() } else { clock.manual.advance(by: .milliseconds(200)) }
            Task { await seen.isCurrent.store(service.condition == .current, ordering: .relaxed) }
            return seen.isCurrent.load(ordering: .relaxed) == wanted
        }
    }

    private final class Seen: Sendable {
        let isCurrent = Atomic(false)
        let isFolded = Atomic(false)
    }

    /// In a fleet at rest no change would ever tell.
    @Test func aWatchThatIsTakenUpAgainMakesTheSnapshotCurrentWithoutAnyChange() async throws {
        try await run { service in
            try await reaches(false, service) { store.endWatches(StoreError(.unavailable, "the cable")) }
            try await reaches(true, service)
        }
    }

    /// Somebody else's writes move the store's counter, and never come over the watch.
    @Test func waitsForARevisionThatIsSomebodyElses() async throws {
        try await run { service in
            let outside = Transaction(operations: [.put(Key("/others/x"), [1], lease: nil)])
            guard case .committed(let revision) = await store.commit(outside) else {
                Issue.record("not committed")
                return
            }
            let seen = Seen()
            Task {
                await service.folded(upTo: revision)
                seen.isFolded.store(true, ordering: .relaxed)
            }
            try await eventually("the snapshot is at \(revision)") {
                clock.manual.advance(by: .milliseconds(200))
                return seen.isFolded.load(ordering: .relaxed)
            }
            #expect(await service.snapshot.revision >= revision)
        }
    }
}
