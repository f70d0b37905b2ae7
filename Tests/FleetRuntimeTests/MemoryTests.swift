import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import MemoryStore
import Synchronization
import Testing
import UnitFile

/// What a machine remembers over a boot, when the registry cannot be reached.
@Suite struct MemoryTests {
    let web: UnitName = "web.service"
    let db: UnitName = "db.service"

    /// The memory of a machine that ran `web`, and `db` at most once.
    func memory() async throws -> MemoryLedger {
        let memory = MemoryLedger()
        let bench = try AgentBench(memory: memory)
        try await bench.run { bench in
            await bench.assign([web])
            await bench.assign([db], text: "[Service]\nExecStart=/bin/db\n", atMostOnce: true)
            try await bench.settled(web)
            try await eventually("both are written down") { memory.values().count == 2 }
        }
        return memory
    }

    @Test func aBootedMachineWithoutRegistryRunsWhatItRan() async throws {
        let bench = try AgentBench(memory: try await memory())
        bench.store.isCut.withLock { $0 = true }
        try await bench.run(declaresFormat: false) { bench in
            try await eventually("web is started") { bench.units.performed.contains(.start(web)) }
            #expect(!bench.units.performed.contains { $0.units.contains(db) }, "db needs its lock")
            #expect(bench.units.state.withLock { $0.installed.values.first } == "[Service]\nExecStart=/bin/true\n")
        }
    }

    @Test func whatIsRememberedStopsNothing() async throws {
        let before = try AgentBench()
        try await before.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
        }
        let running = before.units.state.withLock { $0.units }
        let bench = try AgentBench(memory: try await memory())
        bench.units.state.withLock { $0.units = running.merging(["other.service": running[web] ?? .other]) { $1 } }
        bench.store.isCut.withLock { $0 = true }
        try await bench.run(declaresFormat: false) { bench in
            try await eventually("web is looked at") { bench.ledger.values()[web] != nil }
            #expect(!bench.units.performed.contains(.stop("other.service")))
        }
    }

    @Test func theRegistryHasTheLastWord() async throws {
        let bench = try AgentBench(memory: try await memory())
        bench.store.isCut.withLock { $0 = true }
        try await bench.run(declaresFormat: true) { bench in
            try await eventually("web is started") { bench.units.performed.contains(.start(web)) }
            bench.store.isCut.withLock { $0 = false }
            try await eventually("web is removed") {
                bench.clock.manual.advance(by: .milliseconds(200))
                return bench.units.performed.contains(.remove(web))
            }
            try await eventually("nothing is remembered") { bench.memory.values().isEmpty }
        }
    }
}

extension UnitObservation {
    /// A unit of ours that runs.
    static let other = UnitObservation(
        loadState: "loaded",
        activeState: "active",
        subState: "running",
        file: ContentHash(of: "other")
    )
}
