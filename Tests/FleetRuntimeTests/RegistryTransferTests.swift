import FleetAPI
import FleetModel
import FleetRegistry
import FleetRuntime
import MemoryStore
import Testing
import UnitFile

@Suite struct RegistryTransferTests {
    private let text = "[Service]\nExecStart=/bin/true\n"

    private func transfer(_ bench: RegistryBench) -> RegistryTransfer {
        RegistryTransfer(store: bench.store, keyspace: .standard, version: "1.0")
    }

    /// A registry in use: a file, labels, and what hangs on a lease.
    private func fill(_ bench: RegistryBench) async throws {
        try await bench.put(.format, RegistryFormat(minimumReader: 1, writer: "1.0"))
        try await bench.label("region")
        let file = RegistryKey.file(ContentHash(of: text)).key(in: .standard)
        let put = StoreOperation.put(file, Array(text.utf8), lease: nil)
        guard case .committed = await bench.store.commit(Transaction(operations: [put])) else {
            Issue.record("not stored")
            return
        }
        let lease = try await bench.store.grantLease(.whileOpen)
        try await bench.put(.leader, LeaderRecord(machine: bench.machine, since: bench.clock.now()), on: lease)
    }

    private func steps(_ export: RegistryExport) -> [ImportRequest] {
        [
            ImportRequest(step: .begin), ImportRequest(step: .entries, entries: export.entries),
            ImportRequest(step: .finish, count: export.entries.count, minimumReader: export.header.minimumReader),
        ]
    }

    @Test func everythingDurableArrives() async throws {
        let (old, new) = (try RegistryBench(), try RegistryBench())
        try await fill(old)
        let export = try await transfer(old).export(at: old.clock.now())
        #expect(export.header.entries == 2)
        for step in steps(export) { try await transfer(new).perform(step) }
        let again = try await transfer(new).export(at: old.clock.now())
        #expect(again.entries == export.entries)
        #expect(!new.store.inner.entries.contains { $0.key.description.hasSuffix("leader") })
    }

    @Test func aRegistryInUseIsRefused() async throws {
        let bench = try RegistryBench()
        try await fill(bench)
        let before = bench.store.inner.entries
        let error = await #expect(throws: APIError.self) { try await transfer(bench).perform(.init(step: .begin)) }
        #expect(error?.error.code == 409)
        #expect(bench.store.inner.entries == before)
    }

    @Test func anImportThatBrokeOffIsBegunAgain() async throws {
        let (old, new) = (try RegistryBench(), try RegistryBench())
        try await fill(old)
        let export = try await transfer(old).export(at: old.clock.now())
        let other = ExportedEntry(key: "units/left-over.service", value: "{}")
        try await transfer(new).perform(ImportRequest(step: .entries, entries: [other]))
        let early = await #expect(throws: APIError.self) {
            try await transfer(new).perform(ImportRequest(step: .finish, count: 2))
        }
        #expect(early?.error.code == 409)
        for step in steps(export) { try await transfer(new).perform(step) }
        #expect(try await transfer(new).export(at: old.clock.now()).entries == export.entries)
    }

    @Test func aRegistryThatSomebodyDeclaresMeanwhileIsLeftAlone() async throws {
        let bench = try RegistryBench()
        try await transfer(bench).perform(ImportRequest(step: .begin))
        try await bench.put(.format, RegistryFormat(minimumReader: 1, writer: "1.0"))
        let entry = ExportedEntry(key: "units/late.service", value: "{}")
        let error = await #expect(throws: APIError.self) {
            try await transfer(bench).perform(ImportRequest(step: .entries, entries: [entry]))
        }
        #expect(error?.error.code == 409)
    }

    @Test(arguments: ["", "/leader", "meta/format", "leader", "files/\(String(repeating: "0", count: 64))"])
    func whatNoExportHasIsRefused(key: String) async throws {
        let bench = try RegistryBench()
        let error = await #expect(throws: APIError.self) {
            try await transfer(bench).perform(
                ImportRequest(step: .entries, entries: [ExportedEntry(key: key, value: "{}")])
            )
        }
        #expect(error?.error.code == 400)
        #expect(bench.store.inner.entries.isEmpty)
    }

    /// A machine with units finds an empty registry: nothing is declared, and nobody hears of it before the import
    /// ends.
    @Test func anEmptyRegistryIsHeldUntilTheImportEnds() async throws {
        let old = try RegistryBench()
        try await fill(old)
        let export = try await transfer(old).export(at: old.clock.now())
        try await RegistryBench(mayDeclare: false).run { bench in
            let (_, signals) = await bench.registry.subscribe()
            await bench.registry.firstReading()
            #expect(await bench.registry.condition == .unread(RegistryService.noFleet))
            for step in steps(export).dropLast() { try await transfer(bench).perform(step) }
            let reached = try await bench.store.range(Keyspace.standard.all, limit: 0).revision
            await bench.registry.folded(upTo: reached)
            #expect(await bench.registry.condition == .unread(RegistryService.noFleet))
            try await transfer(bench).perform(try #require(steps(export).last))
            for await _ in signals { break }
            #expect(await bench.registry.condition == .current)
            #expect(await bench.registry.snapshot.machines[bench.machine]?.labels == ["region": "eu"])
        }
    }

    @Test func anAgentStopsNothingBecauseARegistryIsEmpty() async throws {
        try await AgentBench().run(declaresFormat: false) { bench in
            let unit: UnitName = "kept.service"
            await bench.assign([unit])
            #expect(bench.units.performed.isEmpty)
            await bench.declareFormat()
            try await eventually("the agent works") { !bench.units.performed.isEmpty }
        }
    }
}
