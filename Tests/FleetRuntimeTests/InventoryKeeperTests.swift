import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

/// When a machine writes down which volumes it has: five seconds after news, and then not for a minute.
@Suite struct InventoryKeeperTests {
    @Test func aMachineWithoutSuchUnitsWritesNothing() async throws {
        let bench = try InventoryBench()
        try await bench.run { bench in
            bench.keeper.assigned(bench.assignment(volumes: nil), to: bench.web)
            bench.keeper.heard(of: bench.web)
            bench.keeper.heard(of: UnitName("other.service"))
            for _ in 0..<200 { await Task.yield() }
            #expect(bench.clock.manual.sleepers == 0)
            #expect(bench.disk.looks == [])
            let stored = try await bench.stored()
            #expect(stored == nil)
        }
    }

    @Test func newsAreWrittenSoonAndNotTooOften() async throws {
        let bench = try InventoryBench()
        try await bench.run { bench in
            let volume = try VolumeName("state:web")
            bench.keeper.assigned(bench.assignment(volumes: [volume]), to: bench.web)
            bench.disk.set([volume: VolumeCopy(bytes: 1)])
            bench.keeper.heard(of: bench.web)
            try await bench.pass(.seconds(4))
            #expect(try await bench.stored() == nil)
            try await bench.pass(.seconds(1))
            #expect(try await bench.stored()?.volumes == [volume: VolumeCopy(bytes: 1)])
            #expect(try await bench.stored()?.at == Timestamp(milliseconds: 5000))
            #expect(bench.disk.looks == [[volume]])

            // Told many times meanwhile: looked at once.
            bench.disk.set([volume: VolumeCopy(bytes: 2)])
            for _ in 0..<5 { bench.keeper.heard(of: bench.web) }
            try await bench.pass(.seconds(59))
            #expect(bench.disk.looks.count == 1)
            try await bench.pass(.seconds(1))
            try await bench.pass(.seconds(5))
            #expect(bench.disk.looks.count == 2)
            #expect(try await bench.stored()?.volumes == [volume: VolumeCopy(bytes: 2)])

            // Nothing new costs no write.
            let writes = bench.store.commits.withLock { $0 }
            bench.keeper.heard(of: bench.web)
            try await bench.pass(.seconds(60))
            try await bench.pass(.seconds(5))
            #expect(bench.disk.looks.count == 3)
            #expect(bench.store.commits.withLock { $0 } == writes)

            bench.disk.set([:])
            bench.keeper.heard(of: bench.web)
            try await bench.pass(.seconds(60))
            try await bench.pass(.seconds(5))
            #expect(try await bench.stored() == nil)
        }
    }

    @Test func volumesThatAUnitLeavesBehindAreToldOfToo() async throws {
        let bench = try InventoryBench()
        try await bench.run { bench in
            let volume = try VolumeName("state:cache")
            var assignment = bench.assignment(volumes: nil)
            assignment.looseVolumes = [volume]
            bench.keeper.assigned(assignment, to: bench.web)
            bench.disk.set([volume: VolumeCopy(bytes: 1)])
            bench.keeper.heard(of: bench.web)
            try await bench.pass(.seconds(5))
            #expect(bench.disk.looks == [[volume]])
            #expect(try await bench.stored()?.volumes == [volume: VolumeCopy(bytes: 1)])
        }
    }

    @Test func whatIsNotToldOfIsCounted() async throws {
        let bench = try InventoryBench()
        try await bench.run { bench in
            let volume = try VolumeName("state:web")
            bench.keeper.assigned(bench.assignment(volumes: [volume]), to: bench.web)
            for (number, omitted) in [nil, 7, nil].enumerated() {
                bench.disk.set([volume: VolumeCopy(bytes: 1)], omitted: omitted)
                bench.keeper.heard(of: bench.web)
                if number > 0 { try await bench.pass(.seconds(60)) }
                try await bench.pass(.seconds(5))
                let stored = try #require(try await bench.stored())
                #expect(stored.omitted == omitted)
            }
        }
    }

    /// What this machine had told before its fleetd was restarted is looked at again, folders without a unit too.
    @Test func aNewFleetdGoesOnFromWhatIsStored() async throws {
        let bench = try InventoryBench()
        let (old, podman) = (try VolumeName("state:old"), try VolumeName("systemd-data"))
        let copies = [old: VolumeCopy(bytes: 1), podman: VolumeCopy(bytes: 2)]
        await bench.store(VolumeInventory(at: Timestamp(milliseconds: 0), volumes: copies))
        bench.disk.set([podman: VolumeCopy(bytes: 3)])
        try await bench.run { bench in
            try await bench.pass(.seconds(5))
            #expect(bench.disk.looks == [[old]])
            #expect(try await bench.stored()?.volumes == [podman: VolumeCopy(bytes: 3)])
        }
    }

    @Test(arguments: [true, false]) func aWriteThatWasLostIsMadeAgain(_ isApplied: Bool) async throws {
        let bench = try InventoryBench()
        try await bench.run { bench in
            let volume = try VolumeName("systemd-data")
            bench.keeper.assigned(bench.assignment(volumes: [volume]), to: bench.web)
            bench.disk.set([volume: VolumeCopy(bytes: 1)])
            bench.store.failUnknown(applied: isApplied)
            bench.keeper.heard(of: bench.web)
            try await bench.pass(.seconds(5))
            #expect((try await bench.stored() != nil) == isApplied)
            try await bench.pass(.seconds(60))
            try await bench.pass(.seconds(5))
            #expect(bench.disk.looks == [[], []])
            #expect(try await bench.stored()?.volumes == [volume: VolumeCopy(bytes: 1)])
        }
    }

    @Test func theRegistryIsAskedUntilItAnswers() async throws {
        let bench = try InventoryBench()
        bench.store.isCut.withLock { $0 = true }
        try await bench.run { bench in
            let volume = try VolumeName("systemd-data")
            bench.keeper.assigned(bench.assignment(volumes: [volume]), to: bench.web)
            bench.disk.set([volume: VolumeCopy(bytes: 1)])
            bench.keeper.heard(of: bench.web)
            try await bench.pass(.seconds(10))
            #expect(bench.disk.looks == [])
            bench.store.isCut.withLock { $0 = false }
            try await bench.pass(.seconds(10))
            try await bench.pass(.seconds(5))
            #expect(try await bench.stored()?.volumes == [volume: VolumeCopy(bytes: 1)])
        }
    }
}

/// A disk with volumes, of which a test says what is there.
private final class FakeDisk: UnitManager {
    private let state = Mutex((found: FoundVolumes(), looks: [[VolumeName]]()))
    let events = AsyncStream<UnitManagerEvent> { $0.finish() }

    /// The state directories that were asked about, look by look.
    var looks: [[VolumeName]] { state.withLock { $0.looks } }

    func set(_ volumes: [VolumeName: VolumeCopy], omitted: Int? = nil) {
        state.withLock { $0.found = FoundVolumes(volumes, omitted: omitted) }
    }

    func perform(_ id: OperationID, _ operation: UnitOperation, texts: [ContentHash: String]) async {}
    func journal(of unit: UnitName, invocation: String, lines: Int) async -> [String] { [] }

    func inventory(with states: [VolumeName]) async -> FoundVolumes {
        state.withLock { state in
            state.looks.append(states)
            return state.found
        }
    }
}

private final class InventoryBench: Sendable {
    let store = WatchedStore(MemoryStore())
    let clock = ManualWallClock()
    let disk = FakeDisk()
    let keeper: InventoryKeeper
    let web: UnitName
    private let key: Key

    init() throws {
        web = UnitName("web.service")
        let machine = try #require(MachineID(String(repeating: "a", count: 32)))
        key = RegistryKey.inventory(machine).key(in: .standard)
        keeper = InventoryKeeper(
            store: store,
            keyspace: .standard,
            machine: machine,
            units: disk,
            clock: clock,
            log: Logger(label: "test")
        )
    }

    func assignment(volumes: [VolumeName]?) -> Assignment {
        Assignment(
            file: ContentHash(of: ""),
            target: .launched,
            generation: 1,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: Epoch(1),
            reason: "test",
            at: Timestamp(milliseconds: 0),
            volumes: volumes
        )
    }

    func store(_ inventory: VolumeInventory) async {
        let value = RegistryValue.encode(inventory)
        _ = await store.inner.commit(Transaction(operations: [.put(key, value, lease: nil)]))
    }

    func stored() async throws -> VolumeInventory? {
        try await store.inner.range(.key(key), limit: 1).entries.first.map {
            try RegistryValue.decode(VolumeInventory.self, from: $0.value)
        }
    }

    func run(_ body: (InventoryBench) async throws -> Void) async throws {
        let keeping = Task { await keeper.run() }
        defer { keeping.cancel() }
        try await body(self)
        keeping.cancel()
        await keeping.value
    }

    /// Lets time pass for a keeper that waits, until it has done what was due and waits again; where nothing is due any
    /// more it waits for news.
    func pass(_ time: Duration) async throws {
        try await eventually("it waits") { clock.manual.sleepers == 1 }
        clock.manual.advance(by: time)
        for _ in 0..<500 { await Task.yield() }
    }
}
