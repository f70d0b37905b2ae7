import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

@Suite struct EngineServiceTests {
    let web: UnitName = "web.service"

    @Test func leadsAndAssigns() async throws {
        try await EngineBench().run { bench in
            try await bench.present()
            try await bench.submit(web)
            try await eventually("assigned") { bench.assignments.keys.contains(web) }
            let leader = try #require(bench.entry(.leader))
            // The fence: the assignment says under which leadership it was written.
            #expect(try bench.assignment(web)?.epoch == leader.created)
        }
    }

    @Test func takesOverWhenTheFormerLeaderIsGone() async throws {
        let bench = try EngineBench()
        let lease = try await bench.store.grantLease(.whileOpen)
        try await bench.registry.put(.leader, LeaderRecord(machine: bench.other, since: bench.clock.now()), on: lease)
        try await bench.run { bench in
            try await bench.present()
            try await bench.submit(web)
            await bench.registry.registry.firstReading()
            #expect(bench.assignments.isEmpty)
            try await bench.store.revoke(lease)
            try await eventually("assigned") { bench.assignments.keys.contains(web) }
        }
    }

    @Test func plansAgainAfterAnOutcomeNobodyKnows() async throws {
        for isApplied in [true, false] {
            try await EngineBench().run { bench in
                try await bench.present()
                try await eventually("leads") { bench.entry(.leader) != nil }
                let ready = bench.store.inner.revision
                await bench.registry.registry.folded(upTo: ready)
                bench.store.failUnknown(applied: isApplied)
                try await bench.submit(web)
                try await eventually("assigned") {
                    bench.clock.manual.advance(by: .milliseconds(100))
                    return bench.assignments.keys.contains(web)
                }
                #expect(bench.assignments.count == 1)
            }
        }
    }

    /// The registry was away for longer than leases live: machines get time to register before somebody decides.
    @Test func leadsOnlySomeTimeAfterAnOutage() async throws {
        let bench = try EngineBench()
        let lease = try await bench.store.grantLease(.whileOpen)
        try await bench.registry.put(.leader, LeaderRecord(machine: bench.other, since: bench.clock.now()), on: lease)
        try await bench.run { bench in
            bench.store.isCut.withLock { $0 = true }
            bench.store.inner.endWatches(StoreError(.unavailable, "cable cut"))
            let registry = bench.registry.registry
            try await eventually("stale") { await registry.condition != .current }
            bench.clock.manual.advance(by: RegistryService.briefOutage)
            bench.store.isCut.withLock { $0 = false }
            try await bench.store.inner.revoke(lease)
            try await eventually("current") {
                bench.clock.manual.advance(by: .milliseconds(10))
                return await registry.condition == .current
            }
            let ended = try #require(await registry.outageEnded)
            try await eventually("leads") {
                bench.clock.manual.advance(by: .milliseconds(100))
                return bench.entry(.leader) != nil
            }
            #expect(bench.clock.elapsed() >= ended + EngineService.grace)
        }
    }

    @Test func keepsItsLeadership() async throws {
        try await EngineBench().run(life: .ttl(.seconds(6))) { bench in
            try await bench.present()
            try await eventually("leads") { bench.entry(.leader) != nil }
            for count in 1...6 {
                try await eventually("renewed \(count) times") {
                    bench.clock.manual.advance(by: .milliseconds(100))
                    return bench.store.renewals.withLock { $0 } >= count
                }
                bench.store.inner.advance(by: .seconds(2))
            }
            let leader = try #require(bench.entry(.leader))
            #expect(leader.created == leader.modified)
        }
    }

    @Test func leadsNoMoreWhenItsLeaseIsLost() async throws {
        try await EngineBench().run(life: .ttl(.seconds(6))) { bench in
            try await bench.present()
            try await eventually("leads") { bench.entry(.leader) != nil }
            let first = try #require(bench.entry(.leader))
            let lease = try #require(first.lease)
            try await bench.store.revoke(lease)
            try await eventually("leads again, with another lease") {
                bench.clock.manual.advance(by: .milliseconds(100))
                return bench.entry(.leader).map { $0.lease != lease && $0.created > first.created } ?? false
            }
        }
    }

    @Test func decidesNothingInANewerRegistry() async throws {
        let bench = try EngineBench()
        try await bench.registry.put(.format, RegistryFormat(minimumReader: RegistryValue.version + 1, writer: "99"))
        try await bench.run { bench in
            try await bench.present()
            try await bench.submit(web)
            let all = bench.store.inner.revision
            await bench.registry.registry.folded(upTo: all)
            #expect(bench.entry(.leader) == nil)
            #expect(bench.assignments.isEmpty)
        }
    }
}

/// One engine over a registry in memory.
private struct EngineBench {
    let registry: RegistryBench
    let other: MachineID

    var store: WatchedStore { registry.store }
    var clock: ManualWallClock { registry.clock }

    init() throws {
        registry = try RegistryBench()
        other = try #require(MachineID("fedcba9876543210fedcba9876543210"))
    }

    func run(life: LeaseLife = .whileOpen, _ body: (EngineBench) async throws -> Void) async throws {
        let engine = EngineService(
            machine: registry.machine,
            registry: registry.registry,
            store: store,
            life: life,
            clock: clock,
            log: Logger(label: "engine", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await registry.run { _ in
            // What comes before the format would be a broken import.
            await registry.registry.firstReading()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.run() }
                try await body(self)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    /// The machine is there.
    func present() async throws {
        let presence = MachinePresence(
            hostname: "one",
            primaryIP: "10.0.0.1",
            metadata: [:],
            version: "1.0",
            systemdVersion: "252",
            since: clock.now()
        )
        try await registry.put(.presence(registry.machine), presence)
    }

    /// Stores a unit that should run.
    func submit(_ unit: UnitName) async throws {
        let text = "[Service]\nExecStart=/bin/true\n"
        let file = ContentHash(of: text)
        let who = Provenance(at: clock.now(), by: "root (uid 0)")
        let operations: [StoreOperation] = [
            .put(RegistryKey.file(file).key(in: .standard), Array(text.utf8), lease: nil),
            .put(
                RegistryKey.unit(unit).key(in: .standard),
                RegistryValue.encode(UnitIntent(file: file, generation: 1, submitted: who)),
                lease: nil
            ),
            .put(
                RegistryKey.target(unit).key(in: .standard),
                RegistryValue.encode(UnitTarget(state: .launched, generation: 1, set: who)),
                lease: nil
            ),
        ]
        guard case .committed = await store.inner.commit(Transaction(operations: operations)) else {
            Issue.record("the test's own write failed")
            return
        }
    }

    func entry(_ key: RegistryKey) -> StoredEntry? {
        store.inner.entries.first { $0.key == key.key(in: .standard) }
    }

    /// What is assigned, with the machines.
    var assignments: [UnitName: MachineID] {
        var found: [UnitName: MachineID] = [:]
        for entry in store.inner.entries {
            if case .assignment(let machine, let unit)? = RegistryKey(entry.key, in: .standard) {
                found[unit] = machine
            }
        }
        return found
    }

    func assignment(_ unit: UnitName) throws -> Assignment? {
        guard let machine = assignments[unit], let entry = entry(.assignment(machine, unit)) else { return nil }
        return try RegistryValue.decode(Assignment.self, from: entry.value)
    }
}
