import FleetModel
import UnitFile

/// The fleet as it would be after a plan, put together from the decisions alone.
struct AuditedOutcome {
    private let snapshot: Snapshot
    private var assignments: [UnitName: [MachineID: Assignment]]
    private var onMachine: [MachineID: Set<UnitName>]
    private var records: [UnitName: [FailureScope: FailureRecord]]
    /// What decisions do not fit the snapshot.
    private(set) var findings: [AuditFinding] = []

    init(_ plan: Plan, _ snapshot: Snapshot) {
        self.snapshot = snapshot
        assignments = snapshot.assignments
        onMachine = snapshot.unitsByMachine
        records = snapshot.failures
        for decision in plan.decisions { apply(decision) }
    }

    func machines(of unit: UnitName) -> [MachineID] { (assignments[unit] ?? [:]).keys.sorted() }

    private mutating func apply(_ decision: Decision) {
        let unit = decision.unit
        switch decision.action {
        case .assign(let machine, let new): put(unit, machine, new, over: nil)
        case .update(let machine, let new):
            if assignments[unit]?[machine] == nil {
                findings.append(.baseless(unit, "updated on \(machine.short), where it is not"))
            }
            put(unit, machine, new, over: snapshot.assignments[unit]?[machine])
        case .unassign(let machine): take(unit, machine)
        case .move(let from, let to, let new):
            take(unit, from)
            put(unit, to, new, over: snapshot.assignments[unit]?[from])
        case .recordFailure(let scope, let record):
            let old = snapshot.failures[unit]?[scope]
            if let old, old.recent.last?.run.generation == record.recent.last?.run.generation, record.count <= old.count
            {
                findings.append(.baseless(unit, "a failure is recorded twice"))
            }
            records[unit, default: [:]][scope] = record
        }
    }

    private mutating func put(_ unit: UnitName, _ machine: MachineID, _ new: Assignment, over old: Assignment?) {
        if snapshot.units[unit] == nil { findings.append(.baseless(unit, "assigned and not stored")) }
        let isUpdate = snapshot.assignments[unit]?[machine] != nil
        if !isUpdate, snapshot.machines[machine]?.presence == nil {
            findings.append(.baseless(unit, "\(machine.short) is not present"))
        }
        if old == nil, isUpdate {
            findings.append(.baseless(unit, "assigned to \(machine.short), where it is"))
        }
        if let old,
            old.generation > new.generation
                || (old.generation == new.generation && old.attempt > new.attempt)
        {
            findings.append(.attempt(unit, machine, from: old.attempt, to: new.attempt))
        }
        assignments[unit, default: [:]][machine] = new
        onMachine[machine, default: []].insert(unit)
    }

    private mutating func take(_ unit: UnitName, _ machine: MachineID) {
        if assignments[unit]?[machine] == nil {
            findings.append(.baseless(unit, "taken from \(machine.short), where it is not"))
        }
        assignments[unit]?[machine] = nil
        onMachine[machine]?.remove(unit)
    }

    /// Whether the reschedule policy keeps the unit from being placed anew.
    func isHeld(_ unit: Unit, _ scope: FailureScope, _ now: Timestamp) -> Bool {
        guard let record = records[unit.name]?[scope], record.recent.last?.run.generation == unit.generation else {
            return false
        }
        switch record.verdict {
        case .givenUp: return true
        case .retry(let at):
            let current = (assignments[unit.name] ?? [:]).values.filter { $0.generation == unit.generation }
            return at > now && !current.contains { $0.attempt >= record.count }
        }
    }

    /// Why `unit` may not be on `machine` beside those who would be there, in words; nil when it may.
    func objection(to unit: Unit, on machine: MachineID) -> String? {
        guard let known = snapshot.machines[machine], known.presence != nil else { return "not present" }
        let options = unit.options
        let hostname = known.presence?.hostname ?? ""
        if let id = options.machineID?.text(machine: machine, hostname: hostname), id != machine.description,
            id != String(machine.description.prefix(8))
        {
            return "MachineID=\(id)"
        }
        let metadata = known.metadata
        for (key, wanted) in options.metadata {
            let texts = wanted.map { $0.text(machine: machine, hostname: hostname) }
            if metadata[key].map(texts.contains) != true { return "MachineMetadata=\(key)" }
        }
        if snapshot.refusals[unit.name]?[machine] != nil { return "refused" }
        let others = (onMachine[machine] ?? []).subtracting([unit.name])
        if let peer = options.machineOf.first(where: { !others.contains($0) }) { return "MachineOf=\(peer)" }
        for other in others {
            guard let neighbour = snapshot.units[other] else { continue }
            if options.conflicts.contains(where: { $0.matches(other) })
                || neighbour.options.conflicts.contains(where: { $0.matches(unit.name) })
            {
                return "conflict with \(other)"
            }
            if neighbour.options.replaces.contains(where: { $0.matches(unit.name) }),
                !dependencies(of: other).contains(unit.name)
            {
                return "replaced by \(other)"
            }
        }
        return nil
    }

    /// All units whose place has a part in where `unit` is.
    private func dependencies(of unit: UnitName) -> Set<UnitName> {
        var all: Set<UnitName> = []
        var fresh: Set<UnitName> = [unit]
        while !fresh.isEmpty {
            var next: Set<UnitName> = []
            for name in fresh {
                next.formUnion(snapshot.units[name]?.options.machineOf ?? [])
                for (other, candidate) in snapshot.units
                where other != name && candidate.options.replaces.contains(where: { $0.matches(name) }) {
                    next.insert(other)
                }
            }
            fresh = next.subtracting(all)
            all.formUnion(fresh)
        }
        return all
    }
}
