package import FleetAPI
package import FleetModel
import FleetRegistry
package import FleetUseCases
package import Logging
import Synchronization
package import UnitFile

/// `FleetControl` over the folded snapshot and the store.
package final class FleetController: FleetControl {
    package let machine: MachineID
    package let version: String

    private let registry: RegistryService
    private let store: any KeyValueStore
    private let journal: any JournalReader
    private let clock: any WallClock
    private let log: Logger
    private let eventIDs: Mutex<EventIDs>
    private let systemd: @Sendable () async -> String?
    private let podman: (any QuadletTrial)?
    private let resolver: (any ImageResolver)?
    let secrets: any SecretBox
    let keysChanged: @Sendable () async -> Void
    let contents: CredentialContents

    /// `systemd` says why the local systemd cannot be reached, nil while it can. `podman` has a word on Quadlet files
    /// before they are stored, and `resolver` says what their images mean. `keysChanged` is called when a key for
    /// secrets was made.
    package init(
        machine: MachineID,
        version: String,
        registry: RegistryService,
        store: any KeyValueStore,
        journal: any JournalReader,
        systemd: @escaping @Sendable () async -> String?,
        podman: (any QuadletTrial)? = nil,
        resolver: (any ImageResolver)? = nil,
        secrets: any SecretBox = NoSecretBox(),
        keysChanged: @escaping @Sendable () async -> Void = {},
        clock: any WallClock,
        log: Logger
    ) {
        self.machine = machine
        self.version = version
        self.registry = registry
        self.store = store
        self.journal = journal
        self.clock = clock
        self.log = log
        self.systemd = systemd
        self.podman = podman
        self.resolver = resolver
        self.secrets = secrets
        self.keysChanged = keysChanged
        contents = CredentialContents(store: store, keyspace: registry.keyspace)
        eventIDs = Mutex(EventIDs(writer: machine))
    }

    package var now: Timestamp { clock.now() }

    package func snapshot() async throws(APIError) -> Snapshot {
        await registry.firstReading()
        switch await registry.condition {
        case .unread(let reason): throw APIError(503, "fleetd cannot read the registry: \(reason)")
        case .current, .stale, .tooNew: return await registry.snapshot
        }
    }

    package func changes() -> AsyncStream<Revision> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task {
                let (_, signals) = await registry.subscribe()
                for await _ in signals { continuation.yield(await registry.snapshot.revision) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    package func perform(_ change: Change, by user: String) async throws(APIError) -> ChangeOutcome {
        var rest = change
        var outcome = ChangeOutcome(units: [:])
        for _ in 0..<Self.tries {
            try await refuseUnlessWritable()
            let snapshot = try await snapshot()
            var plan = try self.plan(rest, on: snapshot, by: user)
            try await refuseWhatPodmanRefuses(rest, on: snapshot)
            let pinned = try await pinned(rest, on: snapshot)
            if pinned != rest {
                rest = pinned
                plan = try self.plan(rest, on: snapshot, by: user)
            }
            let (done, conflicted) = try await commit(plan.steps + plan.confirmations)
            guard conflicted else {
                outcome.units.merge(plan.outcome.units) { _, new in new }
                outcome.merge(machines: plan.outcome.machines)
                return outcome
            }
            // Somebody changed what this was planned from. What is committed stays; the rest is planned anew.
            outcome.units.merge(plan.outcome.units.filter { done.contains($0.key) }) { _, new in new }
            rest = rest.excluding(done, of: plan)
            try await catchUp()
        }
        throw APIError(409, "the units changed \(Self.tries) times while this request was made; try again")
    }

    /// How often a change is planned again after a conflict: each means that another writer got through.
    static let tries = 16

    /// Waits until the snapshot has all that is in the registry now.
    func catchUp() async throws(APIError) {
        let newest = try await range(.key(RegistryKey.format.key(in: registry.keyspace))).revision
        await registry.folded(upTo: newest)
    }

    package func systemdProblem() async -> String? { await systemd() }

    func refuseUnlessWritable() async throws(APIError) {
        await registry.firstReading()
        switch await registry.condition {
        case .current: return
        case .unread(let reason): throw APIError(503, "fleetd cannot read the registry: \(reason)")
        case .stale(let since, let reason):
            throw APIError(503, "the registry is read-only since \(since): \(reason)")
        case .tooNew(let reason): throw APIError(503, reason)
        }
    }

    /// Quadlet's generator in dry run: what fleet's own checks let pass and podman does not accept is an error before
    /// anything is stored, where this machine has a podman that is new enough to say so.
    private func refuseWhatPodmanRefuses(_ change: Change, on snapshot: Snapshot) async throws(APIError) {
        guard let podman, case .submit(let submissions, _, _, _) = change else { return }
        var files = QuadletTrialFiles(submissions, on: snapshot)
        guard !files.new.isEmpty, let version = await podman.podmanVersion() else { return }
        while case let lacking = files.lacking(on: snapshot), !lacking.isEmpty {
            for (name, file) in lacking { files.add(try await text(of: file), of: name) }
        }
        let judged = files.judged(by: version)
        guard !judged.isEmpty else { return }
        let complaints = await podman.complaints(about: judged, in: files.texts).sorted { $0.key < $1.key }
        guard !complaints.isEmpty else { return }
        let messages = complaints.map { name, words in "\(files.paths[name] ?? name.description): \(words)" }
        throw APIError(400, messages.joined(separator: "\n"))
    }

    /// With the digests of those images that are to be pinned, looked up now. An instance has its template's.
    private func pinned(_ change: Change, on snapshot: Snapshot) async throws(APIError) -> Change {
        guard case .submit(var submissions, let target, let replace, let renewing) = change else { return change }
        var pins = ImagePins(replace: replace, on: snapshot)
        for place in submissions.indices {
            guard let image = pins.image(of: submissions[place]) else { continue }
            do throws(ImageLookupError) {
                submissions[place].image = try await pins.pinned(image, by: resolver)
            } catch {
                let path = submissions[place].path ?? submissions[place].name.description
                throw APIError(400, "\(path): \(error)")
            }
        }
        return .submit(submissions, target: target, replace: replace, renewing: renewing)
    }

    private func plan(_ change: Change, on snapshot: Snapshot, by user: String) throws(APIError) -> ChangePlan {
        let who = Provenance(at: clock.now(), by: user)
        let result = eventIDs.withLock { ids in
            Result { () throws(UseCaseError) in
                try change.plan(on: snapshot, by: who, keyspace: registry.keyspace, events: &ids)
            }
        }
        switch result {
        case .success(let plan): return plan
        case .failure(let error): throw APIError(error)
        }
    }

    func plan(
        _ change: CredentialChange,
        on snapshot: Snapshot,
        by user: String
    ) throws(APIError) -> CredentialPlan {
        let who = Provenance(at: clock.now(), by: user)
        let result = eventIDs.withLock { ids in
            Result { () throws(UseCaseError) in
                try change.plan(on: snapshot, by: who, keyspace: registry.keyspace, events: &ids)
            }
        }
        switch result {
        case .success(let plan): return plan
        case .failure(let error): throw APIError(error)
        }
    }

    /// Commits the steps in order and waits until the snapshot has them. Stops at the first conflict.
    func commit(
        _ steps: [ChangePlan.Step]
    ) async throws(APIError) -> (done: Set<UnitName>, conflicted: Bool) {
        var done: Set<UnitName> = []
        for step in steps {
            switch await store.commit(step.transaction) {
            case .committed(let revision):
                // What wrote nothing was found as it is in the snapshot.
                if !step.transaction.operations.isEmpty { await registry.folded(upTo: revision) }
                done.formUnion(step.units)
            case .conflict:
                return (done, true)
            case .refused(let error):
                throw APIError(503, "the registry did not take the change: \(error)")
            case .unknown(let error):
                throw APIError(
                    503,
                    "the registry lost the answer, so the change may or may not be stored: \(error); "
                        + "look with `fleetctl list-unit-files`"
                )
            }
        }
        return (done, false)
    }

    package func text(of file: ContentHash) async throws(APIError) -> String {
        let key = RegistryKey.file(file).key(in: registry.keyspace)
        guard let entry = try await range(.key(key)).entries.first else {
            throw APIError(404, "the registry has no unit file \(file)")
        }
        return String(decoding: entry.value, as: UTF8.self)
    }

    package func events(of unit: UnitName) async throws(APIError) -> [UnitEvent] {
        var events: [UnitEvent] = []
        for entry in try await range(registry.keyspace.events(of: unit)).entries {
            do throws(RegistryValueError) {
                events.append(try RegistryValue.decode(UnitEvent.self, from: entry.value))
            } catch {
                log.error("\(entry.key) \(error)")
            }
        }
        return events
    }

    package func newEvents() async -> AsyncStream<[FleetEvent]> { await registry.newEvents() }

    package func journal(
        of unit: UnitName,
        lines: Int,
        follow: Bool
    ) -> AsyncThrowingStream<JournalLine, any Error> {
        journal.lines(of: unit, lines: lines, follow: follow)
    }

    package func exportRegistry() async throws(APIError) -> RegistryExport {
        try await transfer.export(at: clock.now())
    }

    package func importRegistry(_ request: ImportRequest) async throws(APIError) {
        try await transfer.perform(request)
    }

    private var transfer: RegistryTransfer {
        RegistryTransfer(store: store, keyspace: registry.keyspace, version: version)
    }

    private func range(_ range: KeyRange) async throws(APIError) -> RangeAnswer {
        do throws(StoreError) {
            return try await store.range(range, limit: 0)
        } catch {
            throw APIError(503, "the registry cannot be read: \(error)")
        }
    }
}

/// Port: this machine's journal.
package protocol JournalReader: Sendable {
    /// The last `lines` lines of the unit, oldest first, then new ones as they come if `follow`.
    func lines(of unit: UnitName, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error>
}
