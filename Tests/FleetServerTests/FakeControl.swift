import FleetAPI
import FleetModel
import FleetRegistry
import FleetRuntime
import FleetUseCases
import MemoryStore
import Synchronization
import UnitFile

/// A fleetd without a store and without machines: changes are planned and folded at once, and the test says what the
/// machines report.
final class FakeControl: FleetControl {
    private struct State {
        var registry = FoldedRegistry()
        var events: EventIDs
        var listeners: [Int: AsyncStream<Revision>.Continuation] = [:]
        var nextListener = 0
        var problem: String?
        var journal: [JournalLine] = []
        var users: [String] = []
        var eventReaders: [AsyncStream<[FleetEvent]>.Continuation] = []
    }

    let machine: MachineID
    let version = "9.9.9-test"
    let now = Timestamp.zero
    private let state: Mutex<State>

    init(machine: MachineID = .one) {
        self.machine = machine
        state = Mutex(State(events: EventIDs(writer: machine)))
        edit { registry in
            registry.put(
                .presence(machine),
                MachinePresence(
                    hostname: "alpha",
                    primaryIP: "10.0.0.1",
                    metadata: ["disk": "ssd"],
                    version: "9.9.9-test",
                    systemdVersion: "252",
                    since: .zero
                )
            )
            registry.put(.leader, LeaderRecord(machine: machine, since: .zero))
        }
    }

    // MARK: What the test does

    func edit(_ body: (inout FoldedRegistry) -> Void) {
        let (listeners, revision) = state.withLock { state in
            body(&state.registry)
            return (Array(state.listeners.values), state.registry.revision)
        }
        for listener in listeners { listener.yield(revision) }
    }

    /// While set, the registry cannot be read.
    func fail(_ problem: String?) {
        state.withLock { $0.problem = problem }
        edit { _ in }
    }

    func write(_ lines: [JournalLine]) { state.withLock { $0.journal = lines } }

    var current: Snapshot { state.withLock { $0.registry.snapshot } }
    /// How many streams follow the changes now.
    var followers: Int { state.withLock { $0.listeners.count } }
    /// Under whose names changes were made.
    var users: [String] { state.withLock { $0.users } }

    /// What the engine and the agent would do about a launched or loaded unit.
    func run(_ unit: UnitName, active: String = "active", settled: Bool = true, failure: UnitFailure? = nil) {
        let machine = machine
        edit { registry in
            guard let stored = registry.snapshot.units[unit] else { return }
            let assignment = Assignment(
                file: stored.intent.file,
                target: stored.target.state,
                generation: stored.generation,
                restart: stored.target.restart,
                attempt: 0,
                atMostOnce: false,
                epoch: .zero,
                reason: "the only machine",
                at: .zero
            )
            registry.put(.assignment(machine, unit), assignment)
            let status = UnitStatus(
                file: stored.intent.file,
                run: assignment.run,
                load: "loaded",
                active: active,
                sub: active == "active" ? "running" : "dead",
                settled: settled,
                failure: failure,
                at: .zero
            )
            registry.put(.status(machine, unit), status)
        }
    }

    /// What an agent or the engine tells of a unit.
    func tell(_ event: UnitEvent) {
        let id = state.withLock { $0.events.next(at: event.at) }
        edit { $0.put(.event(event.unit, id), event) }
        pass([.unit(event)])
    }

    /// Hands events to those who follow them.
    func pass(_ events: [FleetEvent]) {
        for reader in state.withLock({ $0.eventReaders }) { reader.yield(events) }
    }

    /// How many streams of events are followed.
    var eventReaders: Int { state.withLock { $0.eventReaders.count } }

    func remove(_ unit: UnitName) {
        let machine = machine
        edit { registry in
            registry.delete(.assignment(machine, unit))
            registry.delete(.status(machine, unit))
        }
    }

    /// What is stored as the content of a config, or for a secret.
    func blob(of id: CredentialID) -> [UInt8]? {
        state.withLock { state in
            guard let hash = state.registry.snapshot.credentials[id]?.blob else { return nil }
            let entry = state.registry.entries[RegistryKey.blob(hash).key(in: state.registry.keyspace)]
            return entry.flatMap { try? RegistryValue.decode(StoredBlob.self, from: $0.value).bytes }
        }
    }

    func change(_ change: CredentialChange, by user: String) throws(APIError) -> CredentialReport {
        let result = state.withLock { state in
            Result { () throws(UseCaseError) in
                let plan = try change.plan(
                    on: state.registry.snapshot,
                    by: Provenance(at: .zero, by: user),
                    keyspace: state.registry.keyspace,
                    events: &state.events
                )
                guard let transaction = plan.transaction else { return CredentialReport(changed: false) }
                return CredentialReport(changed: state.registry.commit(transaction), restarted: plan.restarted)
            }
        }
        switch result {
        case .success(let report): return report
        case .failure(let error): throw APIError(error)
        }
    }

    // MARK: FleetControl

    func snapshot() async throws(APIError) -> Snapshot {
        let (problem, snapshot) = state.withLock { ($0.problem, $0.registry.snapshot) }
        if let problem { throw APIError(503, problem) }
        return snapshot
    }

    func changes() -> AsyncStream<Revision> {
        let (stream, continuation) = AsyncStream<Revision>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
        return stream
    }

    func perform(_ change: Change, by user: String) async throws(APIError) -> ChangeOutcome {
        _ = try await snapshot()
        let result = state.withLock { state -> Result<ChangeOutcome, APIError> in
            state.users.append(user)
            do throws(UseCaseError) {
                let plan = try change.plan(
                    on: state.registry.snapshot,
                    by: Provenance(at: .zero, by: user),
                    keyspace: state.registry.keyspace,
                    events: &state.events
                )
                for step in plan.steps where !state.registry.commit(step.transaction) {
                    return .failure(APIError(409, "conflict"))
                }
                return .success(plan.outcome)
            } catch {
                return .failure(APIError(error))
            }
        }
        edit { _ in }
        return try result.get()
    }

    func text(of file: ContentHash) async throws(APIError) -> String {
        let entry = state.withLock { $0.registry.entries[RegistryKey.file(file).key(in: $0.registry.keyspace)] }
        guard let entry else { throw APIError(404, "no such file") }
        return String(decoding: entry.value, as: UTF8.self)
    }

    func events(of unit: UnitName) async throws(APIError) -> [UnitEvent] {
        let registry = state.withLock { $0.registry }
        return (registry.snapshot.eventIDs[unit] ?? []).compactMap { id in
            let entry = registry.entries[RegistryKey.event(unit, id).key(in: registry.keyspace)]
            return entry.flatMap { try? RegistryValue.decode(UnitEvent.self, from: $0.value) }
        }
    }

    func newEvents() async -> AsyncStream<[FleetEvent]> {
        let (events, continuation) = AsyncStream<[FleetEvent]>.makeStream()
        state.withLock { $0.eventReaders.append(continuation) }
        return events
    }

    func journal(of unit: UnitName, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
        AsyncThrowingStream { continuation in
            for line in state.withLock({ $0.journal }).suffix(lines) { continuation.yield(line) }
            if !follow { continuation.finish() }
        }
    }

    func systemdProblem() async -> String? { nil }

    func exportRegistry() async throws(APIError) -> RegistryExport {
        let registry = state.withLock { $0.registry }
        let entries = registry.entries.values.sorted { $0.key < $1.key }.map { entry in
            ExportedEntry(key: entry.key.description, value: String(decoding: entry.value, as: UTF8.self))
        }
        let header = ExportHeader(
            writer: version,
            minimumReader: 1,
            at: .zero,
            revision: registry.revision.number,
            entries: entries.count
        )
        return RegistryExport(header: header, entries: entries)
    }

    func importRegistry(_ request: ImportRequest) async throws(APIError) {
        throw APIError(409, "the registry has a fleet in it")
    }
}

/// Says what the test tells it.
struct FakeExplainer: PlacementExplainer {
    var reasons: [UnitName: String] = [:]
    var excluded: [MachineID: String] = [:]

    func blocked(_ unit: UnitName, in snapshot: Snapshot) -> String? { reasons[unit] }
    func notEligible(_ unit: UnitName, in snapshot: Snapshot) -> [MachineID: String] { excluded }
    func staying(_ unit: UnitName, on machine: MachineID, in snapshot: Snapshot) -> String? { reasons[unit] }
}

extension Timestamp {
    static let zero = Timestamp(milliseconds: 0)
}

extension MachineID {
    static let one = make("1")
    static let two = make("2")

    private static func make(_ digit: Character) -> MachineID {
        guard let id = MachineID(String(repeating: digit, count: 32)) else { preconditionFailure("32 digits") }
        return id
    }
}
