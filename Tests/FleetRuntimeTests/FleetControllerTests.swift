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

/// Podman 5.4 of a machine where `refused` makes no service.
private final class TrialPodman: QuadletTrial {
    let refused: QuadletName
    let asked = Mutex<[(names: Set<QuadletName>, files: [QuadletName: String])]>([])

    init(refusing refused: QuadletName) { self.refused = refused }

    func podmanVersion() async -> PodmanVersion? { PodmanVersion(5, 4) }

    func complaints(
        about names: Set<QuadletName>,
        in files: [QuadletName: String]
    ) async -> [QuadletName: String] {
        asked.withLock { $0.append((names, files)) }
        return names.contains(refused) ? [refused: "podman does not accept \(refused): bad port"] : [:]
    }
}

/// Quadlet files are shown to this machine's podman before they are stored.
@Suite struct QuadletTrialTests {
    private static let network = "[Network]\n"
    private static let web = "[Container]\nImage=localhost/own:1\nNetwork=app.network\n"

    private func submit(_ files: [(QuadletName, String)]) -> Change {
        let submissions = files.map { name, text in
            Submission(name: name.standardService, source: name, text: text, path: "/root/\(name)")
        }
        return .submit(submissions, target: .inactive, replace: .withinTarget)
    }

    @Test func whatPodmanRefusesIsNotStored() async throws {
        let podman = TrialPodman(refusing: try QuadletName("web.container"))
        try await ControllerBench(podman: podman).run { bench in
            let change = submit([
                (try QuadletName("app.network"), Self.network), (try QuadletName("web.container"), Self.web),
            ])
            _ = try await bench.controller.snapshot()
            let before = bench.store.inner.revision
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.perform(change, by: "root (uid 0)")
            }
            #expect(error?.error.code == 400)
            #expect(
                error?.error.message == "/root/web.container: podman does not accept web.container: bad port"
            )
            #expect(bench.store.inner.revision == before)
        }
    }

    @Test func itSeesWhatIsStoredBesideTheNewFiles() async throws {
        let podman = TrialPodman(refusing: try QuadletName("other.container"))
        try await ControllerBench(podman: podman).run { bench in
            let (network, web) = (try QuadletName("app.network"), try QuadletName("web.container"))
            _ = try await bench.controller.perform(submit([(network, Self.network)]), by: "root (uid 0)")
            _ = try await bench.controller.perform(submit([(web, Self.web)]), by: "root (uid 0)")
            // What is stored already was judged when it came.
            _ = try await bench.controller.perform(submit([(web, Self.web)]), by: "root (uid 0)")
            let asked = podman.asked.withLock { $0 }
            #expect(asked.map(\.names) == [[network], [web]])
            #expect(asked.last?.files == [network: Self.network, web: Self.web])
        }
    }

    /// Another machine may have the podman that the file needs; this one's would complain of a key it does not know.
    @Test func anOlderPodmanIsNotAsked() async throws {
        let podman = TrialPodman(refusing: try QuadletName("new.container"))
        try await ControllerBench(podman: podman).run { bench in
            let text = "[Container]\nImage=localhost/own:1\nAppArmor=unconfined\n"
            let change = submit([(try QuadletName("new.container"), text)])
            _ = try await bench.controller.perform(change, by: "root (uid 0)")
            let asked = podman.asked.withLock { $0 }
            #expect(asked.isEmpty)
        }
    }
}

/// Registries in which every tag means the number of times that something was asked.
private final class CountingResolver: ImageResolver {
    private let asked = Mutex<[ImageName]>([])

    var count: Int { asked.withLock { $0.count } }

    func digest(of image: ImageName, auth: CredentialName?) async throws(ImageLookupError) -> String {
        guard image.path != "gone/app" else {
            throw ImageLookupError("the digest of \(image) cannot be looked up: gone")
        }
        let count = asked.withLock { asked in
            asked.append(image)
            return asked.count
        }
        return "sha256:" + String(repeating: "\(count)", count: 64)
    }
}

/// `PinImage=`: a tag means what it meant when the file was stored.
@Suite struct ImagePinTests {
    private func change(_ name: String, image: String, replace: Replacement = .keep) throws -> Change {
        let source = try QuadletName(name)
        let text = "[Container]\nImage=\(image)\n[X-Fleet]\nPinImage=yes\n"
        let submission = Submission(name: source.standardService, source: source, text: text, path: "/root/\(name)")
        return .submit([submission], target: .inactive, replace: replace)
    }

    private func pin(_ bench: ControllerBench, _ unit: String) async throws -> String? {
        try await bench.controller.snapshot().units[try UnitName(unit)]?.intent.image
    }

    private func pinned(_ digit: String) -> String {
        "quay.io/team/app@sha256:" + String(repeating: digit, count: 64)
    }

    @Test func aTagIsLookedUpWhenItsFileIsStored() async throws {
        let resolver = CountingResolver()
        try await ControllerBench(resolver: resolver).run { bench in
            let (first, again) = (
                try change("web.container", image: "quay.io/team/app:1"),
                try change("web.container", image: "quay.io/team/app:1", replace: .withinTarget)
            )
            _ = try await bench.controller.perform(first, by: "root (uid 0)")
            #expect(try await pin(bench, "web.service") == pinned("1"))
            // Started again, it is what it was.
            _ = try await bench.controller.perform(first, by: "root (uid 0)")
            #expect(resolver.count == 1)
            #expect(try await pin(bench, "web.service") == pinned("1"))
            // Replaced by the same text, it is what the tag means now.
            let outcome = try await bench.controller.perform(again, by: "root (uid 0)")
            let web: UnitName = "web.service"
            guard case .changed = outcome.units[web] else {
                Issue.record("\(outcome)")
                return
            }
            #expect(try await pin(bench, "web.service") == pinned("2"))
        }
    }

    @Test func instancesHaveTheImageOfTheirTemplate() async throws {
        let resolver = CountingResolver()
        try await ControllerBench(resolver: resolver).run { bench in
            for name in ["web@.container", "web@1.container", "web@2.container"] {
                _ = try await bench.controller.perform(
                    try change(name, image: "quay.io/team/app:1"),
                    by: "root (uid 0)"
                )
            }
            #expect(resolver.count == 1)
            #expect(try await pin(bench, "web@2.service") == pinned("1"))
        }
    }

    @Test func anImageThatIsNotThereIsAnErrorBeforeAnythingIsStored() async throws {
        try await ControllerBench(resolver: CountingResolver()).run { bench in
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.perform(
                    try change("web.container", image: "quay.io/gone/app:1"),
                    by: "root (uid 0)"
                )
            }
            #expect(
                error?.error.message
                    == "/root/web.container: the digest of quay.io/gone/app:1 cannot be looked up: gone"
            )
            #expect(try await pin(bench, "web.service") == nil)
            let stored = try await bench.controller.snapshot().unitRevisions
            #expect(stored.isEmpty)
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

    init(podman: (any QuadletTrial)? = nil, resolver: (any ImageResolver)? = nil) throws {
        registry = try RegistryBench()
        controller = FleetController(
            machine: registry.machine,
            version: "1.0",
            registry: registry.registry,
            store: registry.store,
            journal: NoJournal(),
            systemd: { nil },
            podman: podman,
            resolver: resolver,
            clock: registry.clock,
            log: Logger(label: "controller", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    func run(_ body: (ControllerBench) async throws -> Void) async throws {
        try await registry.run { _ in try await body(self) }
    }
}
