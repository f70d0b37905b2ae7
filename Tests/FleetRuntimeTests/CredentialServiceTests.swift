import FleetAPI
import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

/// Handing out, and what is asked before that.
@Suite struct CredentialServiceTests {
    private static let canary = Array("canary-8471".utf8)

    @Test func aUnitGetsWhatItsAssignmentNames() async throws {
        try await CredentialBench().run { bench in
            try await bench.set("db", Self.canary)
            try await bench.set("other", [1])
            try await bench.assign("web.service", ["db:password"])
            #expect(await bench.ask("web.service", "password") == Self.canary)
            // Not under its own name, not another's, not by another unit, not by who has no name.
            for (unit, credential) in [("web.service", "db"), ("web.service", "other"), ("db.service", "password")] {
                #expect(await bench.ask(unit, credential) == nil)
            }
            #expect(await bench.ask(nil) == nil)
            try await bench.set("db", [2])
            #expect(await bench.ask("web.service", "password") == [2])
        }
    }

    @Test func nobodyIsListenedToBeforeItIsKnownWhatRunsHere() async throws {
        let bench = try CredentialBench()
        bench.store.isCut.withLock { $0 = true }
        try await bench.run { bench in
            try await eventually("an attempt") { bench.agentBench.clock.manual.sleepers > 0 }
            #expect(!bench.listener.isListening)
        }
    }

    @Test func whatCannotBeOpenedIsRefused() async throws {
        try await CredentialBench().run { bench in
            try await bench.set("db", Self.canary)
            try await bench.assign("web.service", ["db"])
            bench.box.isLocked.withLock { $0 = true }
            #expect(await bench.ask("web.service", "db") == nil)
        }
    }

    @Test func anOutageOfTheRegistryStopsNoStart() async throws {
        let bench = try CredentialBench()
        try await bench.run { bench in
            try await bench.set("db", Self.canary)
            try await bench.assign("web.service", ["db"])
            try await eventually("kept") { bench.memory.values()["web.service"] != nil }
            let kept = String(decoding: bench.memory.values()["web.service"] ?? [], as: UTF8.self)
            #expect(!kept.contains("canary"))
            bench.store.isCut.withLock { $0 = true }
            bench.store.inner.endWatches(StoreError(.unavailable, "cable cut"))
            #expect(await bench.ask("web.service", "db") == Self.canary)
        }
    }

    @Test func aKeyThatIsNotHereDoesNotKeepAUnitFromStarting() async throws {
        try await CredentialBench().run { bench in
            try await bench.set("db", Self.canary)
            try await bench.assign("web.service", ["db"])
            try await eventually("kept") { bench.memory.values()["web.service"] != nil }
            let before = bench.memory.values()
            // Set elsewhere, under a key of that machine's.
            bench.box.turn()
            try await bench.set("db", [2])
            bench.box.turn(back: true)
            try await eventually("as before") { await bench.ask("web.service", "db") == Self.canary }
            #expect(bench.memory.values() == before)
        }
    }

    @Test func whatCouldNotBeWrittenDownIsTriedAgain() async throws {
        let bench = try CredentialBench()
        bench.memory.isFull.withLock { $0 = true }
        try await bench.run { bench in
            try await bench.set("db", Self.canary)
            try await bench.assign("web.service", ["db"])
            try await eventually("a try") { bench.memory.refused.withLock { $0 } > 1 || bench.advance() }
            bench.memory.isFull.withLock { $0 = false }
            try await eventually("kept") { bench.memory.values()["web.service"] != nil || bench.advance() }
        }
    }

    @Test func aReloadGetsTheNewestOrNothing() async throws {
        let bench = try CredentialBench()
        try await bench.run { bench in
            try await bench.set("db", Self.canary)
            try await bench.assign("web.service", ["db:password"])
            let reload = ReloadUnitName.name(for: UnitName("web.service"))
            #expect(await bench.ask(reload, "password") == Self.canary)
            for name in [reload, ReloadUnitName.name(for: UnitName("db.service"))] {
                #expect(await bench.ask(name, "db") == nil)
            }
            try await eventually("kept") { bench.memory.values()["web.service"] != nil }
            bench.store.isCut.withLock { $0 = true }
            bench.store.inner.endWatches(StoreError(.unavailable, "cable cut"))
            // A start would get it.
            #expect(await bench.ask("web.service", "password") == Self.canary)
            #expect(await bench.ask(reload, "password") == nil)
        }
    }

    @Test func aPullGetsTheLoginsOfThisMachineOnly() async throws {
        try await CredentialBench().run { bench in
            try await bench.set("quay", Self.canary)
            try await bench.set("db", [1])
            try await bench.assign("web.service", ["quay:fleet.registry-auth", "db"])
            #expect(await bench.ask("fleet-pull-0123.service", "quay") == Self.canary)
            #expect(await bench.ask("fleet-pull-0123.service", "db") == nil)
            bench.fetching.withLock { $0 = "db" }
            #expect(await bench.ask("fleet-pull-0123.service", "db") == [1])
        }
    }

    @Test func nobodyIsShutOut() async throws {
        try await CredentialBench().run { bench in
            let (old, other) = (bench.box.key, try bench.other)
            try await bench.announce([old])
            try await bench.announce([old], by: other)
            try await bench.set("db", Self.canary)
            // In the middle of a change of keys: here it is first, there it is not yet.
            bench.box.turn()
            try await bench.announce([bench.box.key, old])
            let refusal = await #expect(throws: APIError.self) { try await bench.set("db", [2]) }
            #expect(refusal?.error.message.hasPrefix("89abcdef (alpha) would not be able to open") == true)
            // Where it never was, nobody misses it.
            try await bench.set("new", [3])
            try await bench.announce([old, bench.box.key], by: other)
            try await bench.set("db", [2])
            let late = await #expect(throws: APIError.self) {
                _ = try await bench.controller.rotateSecrets(by: "root")
            }
            #expect(late?.error.message.hasPrefix("89abcdef (alpha) would go on sealing") == true)
            try await bench.announce([bench.box.key, old], by: other)
            #expect(try await bench.controller.rotateSecrets(by: "root").sealed == 0)
            // A machine that is away may come back with the old key only.
            try await bench.assign("web.service", ["db"], on: other)
            try await bench.announce(nil, by: other)
            #expect(try await bench.controller.rotateSecrets(by: "root").absent == [other])
        }
    }

    @Test func whatHasLeftIsForgotten() async throws {
        try await CredentialBench().run { bench in
            try await bench.set("db", Self.canary)
            try await bench.assign("web.service", ["db"])
            try await eventually("kept") { bench.memory.values()["web.service"] != nil }
            try await bench.unassign("web.service")
            try await eventually("forgotten") { bench.memory.values().isEmpty }
            try await eventually("refused") { await bench.ask("web.service", "db") == nil }
        }
    }

    @Test func settingTheSameAgainChangesNothing() async throws {
        try await CredentialBench().run { bench in
            let db = CredentialID(.secret, try #require(CredentialName("db")))
            let first = try await bench.controller.setCredential(db, to: Self.canary, by: "root")
            #expect(first == .init(changed: true))
            let revision = bench.store.inner.revision
            let again = try await bench.controller.setCredential(db, to: Self.canary, by: "root")
            #expect(again == .init(changed: false) && bench.store.inner.revision == revision)
            let large = [UInt8](repeating: 0, count: Limits.credentialBytes + 1)
            let error = await #expect(throws: APIError.self) {
                _ = try await bench.controller.setCredential(db, to: large, by: "root")
            }
            #expect(error?.error.code == 413)
            for entry in bench.store.inner.entries {
                #expect(!String(decoding: entry.value, as: UTF8.self).contains("canary"))
            }
        }
    }

    @Test func rotationLeavesNothingUnderAnOldKey() async throws {
        try await CredentialBench().run { bench in
            try await bench.set("db", Self.canary)
            try await bench.set("mail", [1])
            try await bench.announce([bench.box.key])
            bench.box.turn()
            let refusal = await #expect(throws: APIError.self) {
                _ = try await bench.controller.rotateSecrets(by: "root")
            }
            #expect(refusal?.error.message.hasPrefix("01234567 (alpha) would not be able to open") == true)
            try await bench.announce([bench.box.key])
            let before = try await bench.controller.snapshot().credentials
            let report = try await bench.controller.rotateSecrets(by: "root")
            #expect(report == .init(key: bench.box.key, sealed: 2))
            let snapshot = try await bench.controller.snapshot()
            #expect(snapshot.credentials.values.allSatisfy { $0.key == bench.box.key })
            #expect(snapshot.blobRevisions.count == 2)
            #expect(before.values.allSatisfy { snapshot.blobRevisions[$0.blob] == nil })
            #expect(snapshot.credentials.mapValues(\.generation) == before.mapValues(\.generation))
            #expect(try await bench.controller.rotateSecrets(by: "root").sealed == 0)
            try await bench.assign("web.service", ["db"])
            #expect(await bench.ask("web.service", "db") == Self.canary)
        }
    }
}

/// A disk that may be full.
private final class FullLedger: DurableLedger {
    private let inner = MemoryLedger()
    let isFull = Mutex(false)
    let refused = Mutex(0)

    func values() -> [UnitName: [UInt8]] { inner.values() }

    func keep(_ values: [UnitName: [UInt8]?]) async throws {
        guard isFull.withLock({ $0 }) else { return inner.keep(values) }
        refused.withLock { $0 += 1 }
        throw StoreError(.unavailable, "no space left")
    }
}

private struct NoJournal: JournalReader {
    func lines(of unit: UnitName, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
        AsyncThrowingStream { $0.finish() }
    }
}

/// Turns every bit, by a key that can be changed.
private final class FakeBox: SecretBox {
    let isLocked = Mutex(false)
    private let byte = Mutex<UInt8>(1)

    var key: SecretKeyID { Self.id(byte.withLock { $0 }) }

    func turn(back: Bool = false) { byte.withLock { $0 = back ? $0 - 1 : $0 + 1 } }

    private static func id(_ byte: UInt8) -> SecretKeyID { SecretKeyID(ofKey: [byte]) }

    /// All that it had, the newest first.
    func keys() -> [SecretKeyID] { (1...byte.withLock { $0 }).reversed().map(Self.id) }

    func seal(_ content: [UInt8], for name: CredentialName) -> SealedSecret {
        let byte = byte.withLock { $0 }
        return SealedSecret(key: Self.id(byte), bytes: [byte] + Array(name.description.utf8) + content.map { ~$0 })
    }

    func open(_ secret: SealedSecret, for name: CredentialName) throws(SecretBoxError) -> [UInt8] {
        guard !isLocked.withLock({ $0 }), byte.withLock({ secret.bytes[0] <= $0 }) else {
            throw SecretBoxError(.noKey, "locked")
        }
        return secret.bytes.dropFirst(1 + name.description.utf8.count).map { ~$0 }
    }
}

private final class FakeListener: CredentialListener {
    private let calls = Mutex<AsyncStream<CredentialCall>.Continuation?>(nil)

    var isListening: Bool { calls.withLock { $0 != nil } }

    func listen() -> AsyncStream<CredentialCall> {
        let (stream, continuation) = AsyncStream.makeStream(of: CredentialCall.self)
        calls.withLock { $0 = continuation }
        return stream
    }

    func stop() { calls.withLock { $0?.finish() } }

    func call(_ call: CredentialCall) { calls.withLock { _ = $0?.yield(call) } }
}

private final class CredentialBench: Sendable {
    let agentBench: AgentBench
    let registry: RegistryService
    let controller: FleetController
    let listener = FakeListener()
    let box = FakeBox()
    let memory = FullLedger()
    /// The login that a pull was begun with.
    let fetching = Mutex("")

    var other: MachineID { get throws { try #require(MachineID("89abcdef89abcdef89abcdef89abcdef")) } }

    /// Lets waits end. False, to be the last word of a condition.
    func advance() -> Bool {
        agentBench.clock.manual.advance(by: .seconds(1))
        return false
    }

    var store: WatchedStore { agentBench.store }

    private static let log = Logger(label: "credentials", factory: { _ in SwiftLogNoOpLogHandler() })

    init() throws {
        agentBench = try AgentBench()
        registry = RegistryService(
            store: agentBench.store,
            keyspace: .standard,
            clock: agentBench.clock,
            version: "1.0",
            log: Self.log
        )
        controller = FleetController(
            machine: agentBench.machine,
            version: "1.0",
            registry: registry,
            store: agentBench.store,
            journal: NoJournal(),
            systemd: { nil },
            secrets: box,
            clock: agentBench.clock,
            log: Self.log
        )
    }

    func run(_ body: @Sendable (CredentialBench) async throws -> Void) async throws {
        let agent = AgentService(
            store: store,
            keyspace: .standard,
            machine: agentBench.machine,
            units: agentBench.units,
            prober: agentBench.prober,
            ledger: MemoryLedger(),
            leases: agentBench.leases,
            locks: agentBench.locks,
            storedEvents: { _ in [] },
            clock: agentBench.clock,
            log: Self.log
        )
        let service = CredentialService(
            listener: listener,
            agent: agent,
            registry: registry,
            store: store,
            machine: agentBench.machine,
            box: box,
            memory: memory,
            isFetching: { [self] peer in fetching.withLock { $0 } == peer.credential.description },
            clock: agentBench.clock,
            log: Self.log
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [registry] in try await registry.run() }
            group.addTask { try await agent.run() }
            group.addTask { try await service.run() }
            do {
                // A registry that something is in before it is read is not taken for a new one.
                await registry.firstReading()
                try await body(self)
            } catch is CancellationError {
                // `eventually` has recorded it.
            }
            listener.stop()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    func set(_ name: String, _ content: [UInt8]) async throws {
        let id = CredentialID(.secret, try #require(CredentialName(name)))
        _ = try await controller.setCredential(id, to: content, by: "root")
    }

    /// `machine` is another one than the bench's.
    func assign(_ unit: String, _ credentials: [String], on machine: MachineID? = nil) async throws {
        let wanted = try credentials.map { text in
            let names = try text.split(separator: ":").map { try #require(CredentialName($0)) }
            return Credential(kind: .secret, name: try #require(names.first), id: names.last)
        }
        let text = "[Service]\nExecStart=/bin/true\n"
        let assignment = Assignment(
            file: ContentHash(of: text),
            target: .loaded,
            generation: 1,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: .zero,
            reason: "least loaded",
            at: Timestamp(milliseconds: 0),
            credentials: wanted
        )
        try await put([.put(key(unit, machine), RegistryValue.encode(assignment), lease: nil)])
        guard machine == nil else { return }
        try await eventually("listening") { listener.isListening }
        // The agent follows for itself.
        try await eventually("assigned") { await ask(unit, wanted[0].id.description) != nil }
    }

    func unassign(_ unit: String) async throws { try await put([.delete(.key(key(unit)))]) }

    /// What this machine, or the other one, says of its keys; nil when it leaves.
    func announce(_ keys: [SecretKeyID]?, by machine: MachineID? = nil) async throws {
        let key = RegistryKey.presence(machine ?? agentBench.machine).key(in: .standard)
        guard let keys else { return try await put([.delete(.key(key))]) }
        let presence = MachinePresence(
            hostname: "alpha",
            primaryIP: "",
            metadata: [:],
            version: "1",
            systemdVersion: "257",
            secretKeys: keys,
            since: Timestamp(milliseconds: 0)
        )
        try await put([.put(key, RegistryValue.encode(presence), lease: nil)])
    }

    private func key(_ unit: String, _ machine: MachineID? = nil) throws -> Key {
        RegistryKey.assignment(machine ?? agentBench.machine, try UnitName(unit)).key(in: .standard)
    }

    private func put(_ operations: [StoreOperation]) async throws {
        guard case .committed(let revision) = await store.inner.commit(Transaction(operations: operations)) else {
            Issue.record("the test's own write failed")
            return
        }
        await registry.folded(upTo: revision)
    }

    /// What systemd would get; nil when it is refused.
    func ask(_ unit: String?, _ credential: String = "") async -> [UInt8]? {
        let peer = unit.flatMap { CredentialPeer(address: "a1/unit/\($0)/\(credential)") }
        return await withCheckedContinuation { continuation in
            listener.call(CredentialCall(peer: peer) { continuation.resume(returning: $0) })
        }
    }
}
