import FleetAgent
import FleetRuntime
import Logging
import Synchronization
import SystemdBus
import Testing
import UnitFile

/// A `SystemdBus` connected to the test machine, and everything it has told.
final class Rig: Sendable {
    let machine: TestMachine
    let bus: SystemdBus
    /// The clock of the fence.
    let elapsed: @Sendable () -> Duration
    private let story = Mutex(Story())
    private let lastID = Mutex(0)

    struct Story {
        var events: [UnitManagerEvent] = []
        var units: [UnitName: UnitObservation] = [:]
        var finished: [Int: [UnitName: OperationResult]] = [:]
        var connections = 0
        var disconnections = 0
        var isConnected = false
    }

    private init(_ machine: TestMachine) {
        self.machine = machine
        var log = Logger(label: "test")
        log.logLevel = .warning
        let start = ContinuousClock.now
        elapsed = { start.duration(to: .now) }
        bus = SystemdBus(
            addresses: [machine.address],
            paths: machine.paths,
            journal: machine.journal,
            quadlet: ["/usr/bin/nsenter", "-t", "\(machine.leader)", "-m", "-p", "--", "/usr/libexec/podman/quadlet"],
            elapsed: elapsed,
            log: log
        )
    }

    /// Connects, runs `body`, and disconnects.
    static func with(_ body: (Rig) async throws -> Void) async throws {
        let rig = Rig(try TestMachine.shared())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await rig.bus.run() }
            group.addTask { for await event in rig.bus.events { rig.note(event) } }
            try await rig.wait("connected") { $0.isConnected }
            try await body(rig)
            group.cancelAll()
        }
    }

    private func note(_ event: UnitManagerEvent) {
        story.withLock { story in
            story.events.append(event)
            switch event {
            case .connected(let units):
                story.units = units
                story.connections += 1
                story.isConnected = true
            case .disconnected:
                story.disconnections += 1
                story.isConnected = false
            case .observed(let unit, let observation):
                story.units[unit] = observation
            case .finished(let id, let results):
                story.finished[id] = results
            case .unitFilesChanged:
                break
            }
        }
    }

    var now: Story { story.withLock { $0 } }

    /// What was told of one unit, in order.
    func history(of unit: UnitName) -> [UnitObservation?] {
        now.events.compactMap { event in
            if case .observed(unit, let observation) = event { .some(observation) } else { nil }
        }
    }

    /// Waits for a state of the story.
    func wait(_ what: String, seconds: Int = 20, until isSo: (Story) -> Bool) async throws {
        try await eventually(within: .seconds(seconds)) {
            TestFailure("no '\(what)' within \(seconds) s; the last events: \(now.events.suffix(12))")
        } _: {
            isSo(now)
        }
    }

    @discardableResult
    func wait(_ unit: UnitName, until isSo: (UnitObservation) -> Bool) async throws -> UnitObservation {
        try await wait("\(unit)") { $0.units[unit].map(isSo) ?? false }
        return try #require(now.units[unit])
    }

    func perform(_ operation: UnitOperation, texts: [ContentHash: String] = [:]) async throws
        -> [UnitName: OperationResult]
    {
        let id = lastID.withLock { id in
            id += 1
            return id
        }
        await bus.perform(id, operation, texts: texts)
        try await wait("finished \(operation)") { $0.finished[id] != nil }
        return try #require(now.finished[id])
    }

    /// The result of an operation for one unit.
    func perform(_ operation: UnitOperation) async throws -> OperationResult {
        let unit = try #require(operation.units.first)
        return try #require(try await perform(operation, texts: [:])[unit])
    }

    func install(_ files: [UnitName: String]) async throws -> [UnitName: OperationResult] {
        let texts = Dictionary(files.values.map { (ContentHash(of: $0), $0) }) { first, _ in first }
        let installations = files.keys.sorted().compactMap { unit in
            files[unit].map { UnitInstallation(unit: unit, file: ContentHash(of: $0)) }
        }
        return try await perform(.install(installations), texts: texts)
    }

    func install(
        _ unit: UnitName,
        _ text: String,
        atMostOnce: Bool = false,
        startsNext: Bool = false
    ) async throws -> OperationResult {
        let file = ContentHash(of: text)
        let installation = UnitInstallation(
            unit: unit,
            file: file,
            atMostOnce: atMostOnce,
            startsNext: startsNext
        )
        return try #require(try await perform(.install([installation]), texts: [file: text])[unit])
    }

    /// Stops and removes.
    func clean(_ units: UnitName...) async throws {
        for unit in units {
            _ = try await perform(.stop(unit)) as OperationResult
            #expect(try await perform(.remove(unit)) == .done)
        }
    }
}

extension OperationResult {
    var message: String { if case .failed(let failure) = self { failure.message } else { "" } }
    var kind: OperationFailure.Kind? { if case .failed(let failure) = self { failure.kind } else { nil } }
}

/// A service that runs until it is stopped.
let sleeper = "[Service]\nExecStart=/bin/sleep 1000\n"
