import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

/// One machine's agent between a store in memory and a pretended systemd.
struct AgentBench {
    let machine: MachineID
    let store = WatchedStore(MemoryStore())
    let units = FakeUnitManager()
    let prober = FakeProber()
    let puller = FakePuller()
    let ledger: MemoryLedger
    let clock = ManualWallClock()
    let leases: AsyncStream<LeaseID>
    let addLease: AsyncStream<LeaseID>.Continuation
    let keyspace = Keyspace.standard
    var fence: FakeFence { units.fence }
    let locks: LockService
    /// What a boot does not lose.
    let memory: MemoryLedger

    init(ledger: MemoryLedger = MemoryLedger(), memory: MemoryLedger = MemoryLedger()) throws {
        machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        self.ledger = ledger
        self.memory = memory
        (leases, addLease) = AsyncStream.makeStream()
        locks = LockService(
            store: store,
            keyspace: keyspace,
            machine: machine,
            life: .whileOpen,
            fence: units.fence,
            leases: MemoryLeases(),
            clock: clock,
            log: Self.log
        )
    }

    private static let log = Logger(label: "agent", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Runs `body` beside the service, with a connected systemd and a lease.
    func run(declaresFormat: Bool = true, _ body: (AgentBench) async throws -> Void) async throws {
        let service = AgentService(
            store: store,
            keyspace: keyspace,
            machine: machine,
            units: units,
            prober: prober,
            puller: puller,
            ledger: ledger,
            memory: memory,
            leases: leases,
            locks: locks,
            storedEvents: { [store, keyspace] unit in
                let entries = store.inner.entries.filter { keyspace.events(of: unit).contains($0.key) }
                return entries.compactMap { entry in
                    guard case .event(_, let id)? = RegistryKey(entry.key, in: keyspace) else { return nil }
                    return id
                }
            },
            clock: clock,
            log: AgentBench.log
        )
        units.connect()
        let lease = try await lease()
        locks.renewed(lease, sent: .zero)
        if declaresFormat { await declareFormat() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            group.addTask { try await locks.run() }
            do {
                try await body(self)
            } catch is CancellationError {
                // `eventually` has recorded it.
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @discardableResult
    func lease() async throws -> LeaseID {
        let lease = try await store.grantLease(.whileOpen)
        addLease.yield(lease)
        return lease
    }

    /// A registry without a format is nobody's, and the agent waits.
    func declareFormat() async {
        let format = RegistryFormat(minimumReader: RegistryValue.version, writer: "1.0")
        await commit([.put(RegistryKey.format.key(in: keyspace), RegistryValue.encode(format), lease: nil)])
    }

    /// Stores the file and an assignment of it.
    func assign(
        _ units: [UnitName],
        text: String = "[Service]\nExecStart=/bin/true\n",
        target: TargetState = .launched,
        generation: Generation = 1,
        attempt: Int = 0,
        atMostOnce: Bool = false,
        health: HealthCheck? = nil,
        image: ImagePull? = nil,
        withFile: Bool = true
    ) async {
        let file = ContentHash(of: text)
        var operations: [StoreOperation] = []
        if withFile { operations.append(.put(RegistryKey.file(file).key(in: keyspace), Array(text.utf8), lease: nil)) }
        for unit in units {
            let assignment = Assignment(
                file: file,
                target: target,
                generation: generation,
                restart: 0,
                attempt: attempt,
                atMostOnce: atMostOnce,
                epoch: .zero,
                reason: "least loaded",
                at: clock.now(),
                health: health,
                image: image
            )
            let key = RegistryKey.assignment(machine, unit).key(in: keyspace)
            operations.append(.put(key, RegistryValue.encode(assignment), lease: nil))
        }
        await commit(operations)
    }

    func unassign(_ unit: UnitName) async {
        await commit([.delete(.key(RegistryKey.assignment(machine, unit).key(in: keyspace)))])
    }

    func commit(_ operations: [StoreOperation]) async {
        guard case .committed = await store.inner.commit(Transaction(operations: operations)) else {
            Issue.record("the test's own write failed")
            return
        }
    }

    func status(_ unit: UnitName) throws -> UnitStatus? {
        let key = RegistryKey.status(machine, unit).key(in: keyspace)
        guard let entry = store.inner.entries.first(where: { $0.key == key }) else { return nil }
        return try RegistryValue.decode(UnitStatus.self, from: entry.value)
    }

    func events(_ unit: UnitName) throws -> [UnitEvent] {
        try store.inner.entries.filter { keyspace.events(of: unit).contains($0.key) }.map {
            try RegistryValue.decode(UnitEvent.self, from: $0.value)
        }
    }

    /// Waits until the unit's status is settled and `active`.
    func settled(_ unit: UnitName, _ active: String = "active") async throws {
        try await eventually("\(unit) \(active)", describe: { "\(String(describing: try? status(unit)))" }) {
            let status = try status(unit)
            return status?.settled == true && status?.active == active
        }
    }
}

extension UnitName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) {
        guard let name = try? UnitName(text) else { preconditionFailure("\(text) is not a unit name") }
        self = name
    }
}
