import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

/// A registry with what a test wants in it, and the changes it makes.
struct World {
    var registry = FoldedRegistry()
    var events: EventIDs
    let machine: MachineID

    static let simple = "[Service]\nExecStart=/bin/sleep 1\n"
    static let other = "[Service]\nExecStart=/bin/sleep 2\n"
    static let user = Provenance(at: Timestamp(milliseconds: 1_000_000), by: "root (uid 0)")

    init() throws {
        machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        events = EventIDs(writer: machine)
    }

    var snapshot: Snapshot { registry.snapshot }

    mutating func plan(_ change: Change) throws(UseCaseError) -> ChangePlan {
        try change.plan(on: snapshot, by: Self.user, keyspace: registry.keyspace, events: &events)
    }

    /// Plans and commits; every transaction has to be well formed and to hold.
    @discardableResult
    mutating func perform(_ change: Change) throws -> [UnitName: ChangeOutcome.Effect] {
        let plan = try plan(change)
        for step in plan.steps {
            #expect(step.transaction.defect == nil)
            let isCommitted = registry.commit(step.transaction)
            #expect(isCommitted)
        }
        return plan.outcome.units
    }

    mutating func submit(_ name: String, _ text: String = World.simple, _ target: TargetState = .inactive) throws {
        try perform(.submit([Submission(name: UnitName(name), text: text)], target: target, replace: .keep))
    }

    func target(_ name: String) throws -> TargetState? { snapshot.units[try UnitName(name)]?.target.state }
    func file(_ name: String) throws -> ContentHash? { snapshot.units[try UnitName(name)]?.intent.file }

    /// The files that are stored.
    var files: Set<ContentHash> { Set(snapshot.fileRevisions.keys) }

    // MARK: What machines report

    mutating func report(_ name: String, attempt: Int = 0, active: String = "active", failed: Bool = false) throws {
        let unit = try UnitName(name)
        let generation = try #require(snapshot.units[unit]?.generation)
        let failure = UnitFailure(cause: .exitCode, message: "exited with status 3", at: Self.user.at)
        let status = UnitStatus(
            file: try file(name),
            run: RunID(generation: generation, attempt: attempt),
            load: "loaded",
            active: active,
            sub: "running",
            settled: true,
            failure: failed ? failure : nil,
            at: Self.user.at
        )
        registry.put(.status(machine, unit), status)
    }

    mutating func record(_ name: String, count: Int, _ verdict: RescheduleVerdict) throws {
        let unit = try UnitName(name)
        registry.put(.failures(unit, .fleet), FailureRecord(recent: [], count: count, verdict: verdict))
    }
}

extension ChangeOutcome.Effect {
    var refusal: UseCaseError? { if case .refused(let error) = self { error } else { nil } }
    var isChanged: Bool { if case .changed = self { true } else { false } }
    var isUnchanged: Bool { if case .unchanged = self { true } else { false } }
}
