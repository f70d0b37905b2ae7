import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

@Suite struct RegistryServiceTests {
    @Test func theFirstReadingIsWaitedFor() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            #expect(await bench.registry.condition == .current)
        }
    }

    @Test func aFirstReadingThatFailsEndsTheWaitAndSaysWhy() async throws {
        let bench = try RegistryBench()
        bench.store.isCut.withLock { $0 = true }
        try await bench.run { bench in
            await bench.registry.firstReading()
            #expect(await bench.registry.condition == .unread("cut off"))
            bench.store.isCut.withLock { $0 = false }
            try await bench.passUntil(.current)
        }
    }

    @Test func whatIsCommittedIsFoldedAndTold() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            let (id, signals) = await bench.registry.subscribe()
            let revision = try await bench.label("region")
            await bench.registry.folded(upTo: revision)
            #expect(await bench.registry.snapshot.machines[bench.machine]?.labels["region"] == "eu")
            for await _ in signals { break }
            #expect(await bench.registry.take(id).changes.machines.contains(bench.machine))
            #expect(await bench.registry.take(id).changes.machines.isEmpty)
        }
    }

    @Test func eventsArePassedOnAsTheyAreFolded() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            await bench.registry.folded(upTo: try await bench.label("zero"))
            try await bench.tell("before", at: 1)
            await bench.registry.folded(upTo: try await bench.tell("before", at: 2))
            let events = await bench.registry.newEvents()
            try await bench.tell("one", at: 3)
            // A list takes over from a watch that has ended: what came meanwhile is news all the same.
            bench.store.inner.compactUnderWatches()
            try await bench.tell("two", at: 4)
            try await bench.passUntil(folded: try await bench.tell("three", at: 5))
            var told: [String] = []
            for await batch in events {
                for case .unit(let event) in batch { told.append(event.message) }
                if told.contains("three") { break }
            }
            #expect(told == ["one", "two", "three"])
        }
    }

    @Test func aLostWatchIsTakenUpWhereItBroke() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            await bench.registry.folded(upTo: try await bench.label("one"))
            bench.store.inner.endWatches(StoreError(.unavailable, "cable cut"))
            try await eventually("stale") {
                if case .stale(_, "cable cut") = await bench.registry.condition { true } else { false }
            }
            // Written while nobody watched.
            let missed = try await bench.label("two")
            try await bench.passUntil(folded: missed)
            #expect(await bench.registry.snapshot.machines[bench.machine]?.labels == ["two": "eu"])
            let next = try await bench.label("three")
            try await bench.passUntil(folded: next)
            #expect(await bench.registry.condition == .current)
        }
    }

    @Test func aCompactedWatchReadsEverythingAgain() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            // Folded by the watch, so there is one.
            await bench.registry.folded(upTo: try await bench.label("zero"))
            let (id, signals) = await bench.registry.subscribe()
            _ = await bench.registry.take(id)
            bench.store.inner.compactUnderWatches()
            let revision = try await bench.label("one")
            try await bench.passUntil(folded: revision)
            for await _ in signals { break }
            #expect(await bench.registry.take(id).changes.all)
        }
    }

    @Test func aNewerFormatIsReadAndNotWritten() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            let newer = RegistryFormat(minimumReader: RegistryValue.version + 1, writer: "99.0")
            try await bench.put(.format, newer)
            try await eventually("too new") {
                guard case .tooNew(let reason) = await bench.registry.condition else { return false }
                return reason.contains("99.0") && reason.contains("upgrade fleetd")
            }
        }
    }

    @Test func theFirstReaderDeclaresTheFormatOnce() async throws {
        try await RegistryBench().run { bench in
            await bench.registry.firstReading()
            let key = RegistryKey.format.key(in: .standard)
            let entry = try #require(bench.store.inner.entries.first { $0.key == key })
            #expect(try RegistryValue.decode(RegistryFormat.self, from: entry.value).writer == "1.0")
            #expect(entry.modified == entry.created)
        }
    }
}

/// One `RegistryService` over a store in memory.
struct RegistryBench {
    let store = WatchedStore(MemoryStore())
    let clock = ManualWallClock()
    let registry: RegistryService
    let machine: MachineID

    init(mayDeclare: Bool = true) throws {
        machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        registry = RegistryService(
            store: store,
            keyspace: .standard,
            clock: clock,
            version: "1.0",
            mayDeclare: { mayDeclare },
            log: Logger(label: "registry", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    func run(_ body: (RegistryBench) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await registry.run() }
            do {
                try await body(self)
            } catch is CancellationError {
                // `eventually` has recorded it.
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @discardableResult func tell(_ message: String, at milliseconds: Int64) async throws -> Revision {
        let at = Timestamp(milliseconds: milliseconds)
        let event = UnitEvent(at: at, unit: "web.service", kind: .started, machine: machine, message: message)
        return try await put(.event(event.unit, .make(at: at, writer: machine, counter: 0)), event)
    }

    @discardableResult func put(
        _ key: RegistryKey,
        _ value: some Encodable,
        on lease: LeaseID? = nil
    ) async throws -> Revision {
        let put = StoreOperation.put(key.key(in: .standard), RegistryValue.encode(value), lease: lease)
        guard case .committed(let revision) = await store.inner.commit(Transaction(operations: [put])) else {
            Issue.record("the test's own write failed")
            throw CancellationError()
        }
        return revision
    }

    /// Sets the machine's only label.
    @discardableResult func label(_ name: String) async throws -> Revision {
        try await put(.labels(machine), MachineLabels(labels: [name: "eu"]))
    }

    /// Lets time pass, so that tries after a failure come, until the registry is `condition`.
    func passUntil(_ condition: RegistryService.Condition) async throws {
        try await eventually("\(condition)") {
            clock.manual.advance(by: .seconds(1))
            return await registry.condition == condition
        }
    }

    func passUntil(folded revision: Revision) async throws {
        try await eventually("folded up to \(revision)") {
            clock.manual.advance(by: .seconds(1))
            return await registry.snapshot.revision >= revision
        }
    }
}
