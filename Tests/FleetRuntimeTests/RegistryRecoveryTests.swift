import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

@Suite struct RegistryRecoveryTests {
    private let replaceable = ReplaceableStore()
    private var store: MemoryStore { replaceable.inner }
    private let clock = ManualWallClock()
    private let keyspace = Keyspace.standard

    private func run(_ body: (RegistryService) async throws -> Void) async throws {
        let service = RegistryService(
            store: replaceable,
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
        let revision = Atomic(Int64(0))
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

    /// The registry's server has got an older state of it, and revisions begin there again.
    @Test func aRegistryThatWasRestoredIsReadAgain() async throws {
        let key = RegistryKey.labels(.nobody).key(in: keyspace)
        func label(_ text: String) async -> Revision {
            let labels = MachineLabels(labels: ["is": text])
            let put = StoreOperation.put(key, RegistryValue.encode(labels), lease: nil)
            _ = await store.commit(Transaction(operations: [put]))
            return store.revision
        }
        try await run { service in
            _ = await label("saved")
            let backup = store.copy()
            for _ in 1...5 { await service.folded(upTo: await label("lost")) }
            let before = await service.snapshot.revision
            let seen = Seen()
            Task {
                await service.folded(upTo: before.next)
                seen.isFolded.store(true, ordering: .relaxed)
            }
            replaceable.replace(with: backup)
            try await eventually("it is at the restored revision, and nobody waits for another") {
                clock.manual.advance(by: .milliseconds(200))
                Task { await seen.revision.store(service.snapshot.revision.number, ordering: .relaxed) }
                let revision = Revision(seen.revision.load(ordering: .relaxed))
                return revision == store.revision && seen.isFolded.load(ordering: .relaxed)
            }
            #expect(store.revision < before)
            await service.folded(upTo: await label("new"))
            #expect(await service.snapshot.revision == store.revision, "and goes on from there")
        }
    }
}

/// A store behind which is another one all of a sudden.
private final class ReplaceableStore: KeyValueStore {
    private let current = Mutex(MemoryStore())

    var inner: MemoryStore { current.withLock { $0 } }

    func replace(with other: MemoryStore) {
        let old = current.withLock { current in
            defer { current = other }
            return current
        }
        old.endWatches(StoreError(.unavailable, "restarted"))
    }

    func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer {
        try await inner.range(range, limit: limit)
    }
    func commit(_ transaction: Transaction) async -> CommitOutcome { await inner.commit(transaction) }
    func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        inner.watch(range, from: start)
    }
    func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID { try await inner.grantLease(life) }
    func keepAlive(_ lease: LeaseID) async throws(StoreError) { try await inner.keepAlive(lease) }
    func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime? { try await inner.time(of: lease) }
    func revoke(_ lease: LeaseID) async throws(StoreError) { try await inner.revoke(lease) }
    func compact(to revision: Revision) async throws(StoreError) { try await inner.compact(to: revision) }
    func close() async { await inner.close() }
}
