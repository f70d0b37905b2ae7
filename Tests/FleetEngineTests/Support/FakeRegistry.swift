import FleetEngine
import FleetModel
import FleetRegistry
import UnitFile

/// The store's transaction model in a dictionary, and the feed over it. Commits are seen by the feed when `deliver`
/// says.
struct FakeRegistry {
    let keyspace = Keyspace.standard
    private(set) var entries: [Key: StoredEntry] = [:]
    private(set) var revision = Revision(1)
    private(set) var feed: SnapshotFeed
    private var undelivered: [StoreEvent] = []
    private(set) var commits: [Transaction] = []

    init() {
        feed = SnapshotFeed(keyspace: keyspace)
        _ = feed.list([], at: revision)
    }

    var snapshot: Snapshot { feed.snapshot }

    mutating func commit(_ transaction: Transaction) -> CommitResult {
        precondition(transaction.operations.count <= Limits.operationsPerTransaction)
        precondition(transaction.compares.count <= Limits.operationsPerTransaction)
        guard transaction.compares.allSatisfy(holds) else { return .conflict }
        revision = revision.next
        commits.append(transaction)
        var touched: Set<Key> = []
        for operation in transaction.operations { apply(operation, &touched) }
        return .committed(revision)
    }

    /// What the feed has not seen yet.
    mutating func deliver() -> Changes {
        defer { undelivered = [] }
        return feed.apply(undelivered, upTo: revision)
    }

    mutating func put(_ key: RegistryKey, _ value: some Encodable) {
        _ = commit(Transaction(operations: [.put(key.key(in: keyspace), RegistryValue.encode(value), lease: nil)]))
    }

    mutating func delete(_ key: RegistryKey) {
        _ = commit(Transaction(operations: [.delete(.key(key.key(in: keyspace)))]))
    }

    private func holds(_ compare: Compare) -> Bool {
        switch compare {
        case .absent(let key): entries[key] == nil
        case .present(let key): entries[key] != nil
        case .modified(let key, let revision): entries[key]?.modified == revision
        case .created(let key, let revision): entries[key]?.created == revision
        }
    }

    private mutating func apply(_ operation: StoreOperation, _ touched: inout Set<Key>) {
        switch operation {
        case .put(let key, let value, let lease):
            precondition(touched.insert(key).inserted, "\(key) is touched twice in one transaction")
            let created = entries[key]?.created ?? revision
            let entry = StoredEntry(key: key, value: value, created: created, modified: revision, lease: lease)
            entries[key] = entry
            undelivered.append(.put(entry))
        case .delete(let range):
            for key in entries.keys.filter(range.contains).sorted() {
                precondition(touched.insert(key).inserted, "\(key) is touched twice in one transaction")
                entries[key] = nil
                undelivered.append(.delete(key, at: revision))
            }
        }
    }

    // MARK: Users, machines, agents

    mutating func machine(_ id: MachineID, at now: Timestamp) {
        put(
            .presence(id),
            MachinePresence(
                hostname: id.short,
                primaryIP: "",
                metadata: [:],
                version: "1",
                systemdVersion: "257",
                since: now
            )
        )
    }

    mutating func submit(
        _ name: UnitName,
        _ fleetSection: String = "",
        target: TargetState = .launched,
        at now: Timestamp
    ) {
        let text = "[Service]\nExecStart=/bin/true\n[X-Fleet]\n\(fleetSection)\n"
        let hash = ContentHash(of: text)
        let generation = (snapshot.units[name]?.generation ?? 0) + 1
        let by = Provenance(at: now, by: "test")
        let values: [(RegistryKey, [UInt8])] = [
            (.file(hash), Array(text.utf8)),
            (.unit(name), RegistryValue.encode(UnitIntent(file: hash, generation: generation, submitted: by))),
            (.target(name), RegistryValue.encode(UnitTarget(state: target, generation: generation, set: by))),
        ]
        _ = commit(Transaction(operations: values.map { .put($0.0.key(in: keyspace), $0.1, lease: nil) }))
    }

    mutating func target(_ name: UnitName, _ state: TargetState, at now: Timestamp) {
        let generation = (snapshot.units[name]?.generation ?? 0) + 1
        put(.target(name), UnitTarget(state: state, generation: generation, set: Provenance(at: now, by: "test")))
    }

    /// The run that the registry asks for fails for good.
    mutating func fail(_ name: UnitName, on machine: MachineID, at now: Timestamp) {
        guard let assignment = snapshot.assignments[name]?[machine] else { return }
        put(
            .status(machine, name),
            UnitStatus(
                file: assignment.file,
                run: assignment.run,
                load: "loaded",
                active: "failed",
                sub: "failed",
                failure: UnitFailure(cause: .exitCode, message: "exited with status 1", at: now),
                at: now
            )
        )
    }

    func events(of name: UnitName) -> [UnitEvent] {
        (snapshot.eventIDs[name] ?? []).compactMap { id in
            entries[RegistryKey.event(name, id).key(in: keyspace)]
                .flatMap { try? RegistryValue.decode(UnitEvent.self, from: $0.value) }
        }
    }
}
