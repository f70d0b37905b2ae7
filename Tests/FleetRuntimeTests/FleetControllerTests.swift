import FleetAPI
import FleetModel
import FleetRegistry
import FleetRuntime
import FleetUseCases
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

@Suite struct FleetControllerTests {
    private static let text = "[Service]\nExecStart=/bin/true\n"
    private let submission = Change.submit(
        [Submission(name: "web.service", text: Self.text)],
        target: .launched,
        replace: .keep
    )

    @Test func aChangeIsStoredAndFoldedWhenItReturns() async throws {
        try await ControllerBench().run { bench in
            _ = try await bench.controller.perform(submission, by: "root (uid 0)")
            let unit = try #require(try await bench.controller.snapshot().units["web.service"])
            #expect(unit.target.state == .launched)
            #expect(try await bench.controller.text(of: unit.intent.file) == Self.text)
            #expect(try await bench.controller.events(of: "web.service").map(\.kind).contains(.submitted))
        }
    }

    @Test func aRequestThatComesFirstWaitsForTheFirstReading() async throws {
        let bench = try ControllerBench()
        let early = Task { try await bench.controller.snapshot() }
        try await bench.run { _ in _ = try await early.value }
    }

    @Test func whatFailedToBeReadIsSaid() async throws {
        let bench = try ControllerBench()
        bench.store.isCut.withLock { $0 = true }
        try await bench.run { bench in
            let error = await #expect(throws: APIError.self) { _ = try await bench.controller.snapshot() }
            #expect(error?.error.code == 503)
            #expect(error?.error.message.contains("cut off") == true)
        }
    }

    @Test func nothingIsWrittenWhileTheWatchIsLost() async throws {
        try await ControllerBench().run { bench in
            // Folded by the watch, so there is one.
            await bench.registry.registry.firstReading()
            await bench.registry.registry.folded(upTo: try await bench.registry.label("one"))
            bench.store.inner.endWatches(StoreError(.unavailable, "cable cut"))
            try await eventually("stale") {
                if case .stale = await bench.registry.registry.condition { true } else { false }
            }
            let before = bench.store.inner.revision
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.perform(submission, by: "root (uid 0)")
            }
            #expect(error?.error.code == 503)
            #expect(error?.error.message.contains("read-only since") == true)
            #expect(bench.store.inner.revision == before)
            // What was read last can still be looked at.
            _ = try await bench.controller.snapshot()
        }
    }

    @Test(arguments: [true, false]) func anAnswerThatGotLostIsNotGuessed(isApplied: Bool) async throws {
        try await ControllerBench().run { bench in
            _ = try await bench.controller.snapshot()
            bench.store.failUnknown(applied: isApplied)
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.perform(submission, by: "root (uid 0)")
            }
            #expect(error?.error.message.contains("may or may not be stored") == true)
        }
    }

    @Test func aChangeThatMeetsAnotherIsPlannedAnew() async throws {
        try await ControllerBench().run { bench in
            _ = try await bench.controller.perform(submission, by: "root (uid 0)")
            // Ten at once on one unit: each meets the others' writes, and each gets through.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        _ = try await bench.controller.perform(.restart(["web.service"]), by: "root (uid 0)")
                    }
                }
                try await group.waitForAll()
            }
            let unit = try #require(try await bench.controller.snapshot().units["web.service"])
            #expect(unit.target.restart == unit.target.generation)
        }
    }

    /// A machine that was cut off a moment ago does not know it yet. What it has read says that there is nothing to do;
    /// whether that is still so, only the registry knows.
    @Test func nothingToDoIsSaidOfWhatTheRegistryHasOnly() async throws {
        try await ControllerBench().run { bench in
            _ = try await bench.controller.perform(submission, by: "root (uid 0)")
            let before = bench.store.inner.revision
            let again = try await bench.controller.perform(submission, by: "root (uid 0)")
            guard case .unchanged = again.units["web.service"] else {
                Issue.record("\(again)")
                return
            }
            #expect(bench.store.inner.revision == before, "a question is no write")
            bench.store.isCut.withLock { $0 = true }
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.perform(submission, by: "root (uid 0)")
            }
            #expect(error?.error.code == 503)
        }
    }

    @Test func anUnknownFileIsNotFound() async throws {
        try await ControllerBench().run { bench in
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.text(of: ContentHash(of: "nothing"))
            }
            #expect(error?.error.code == 404)
        }
    }
}

private struct NoJournal: JournalReader {
    func lines(of unit: UnitName, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
        AsyncThrowingStream { $0.finish() }
    }
}

/// A controller over a registry in memory.
private struct ControllerBench {
    let registry: RegistryBench
    let controller: FleetController

    var store: WatchedStore { registry.store }

    init() throws {
        registry = try RegistryBench()
        controller = FleetController(
            machine: registry.machine,
            version: "1.0",
            registry: registry.registry,
            store: registry.store,
            journal: NoJournal(),
            systemd: { nil },
            clock: registry.clock,
            log: Logger(label: "controller", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    func run(_ body: (ControllerBench) async throws -> Void) async throws {
        try await registry.run { _ in try await body(self) }
    }
}
