import FleetModel
import UnitFile

/// The fleet as it would be after a plan, put together from the decisions alone.
struct AuditedOutcome {
    let snapshot: Snapshot
    private let now: Timestamp
    // Only of what the plan changes: an audit costs what the plan does, not what the fleet has.
    private var changedAssignments: [UnitName: [MachineID: Assignment]] = [:]
    private var changedMachines: [MachineID: Set<UnitName>] = [:]
    private var records: [UnitName: [FailureScope: FailureRecord]] = [:]
    private var neighbours: [MachineID: [Unit]] = [:]
    /// Units whose move is given up or done.
    private var endedMoves: Set<UnitName> = []
    /// Where the data of volumes are after the plan, where it says so.
    private var homes: [VolumeName: MachineID] = [:]
    /// Volumes whose home is forgotten.
    private var released: Set<VolumeName> = []
    /// Volumes of which the plan says that more than one unit uses them.
    private(set) var shared: Set<VolumeName> = []
    /// Who takes volumes away from which machine.
    private var departures: [VolumeName: (from: MachineID, takers: [(unit: UnitName, to: MachineID)])] = [:]
    /// What decisions do not fit the snapshot.
    private(set) var findings: [AuditFinding] = []

    init(_ plan: Plan, _ snapshot: Snapshot, now: Timestamp) {
        self.snapshot = snapshot
        self.now = now
        for decision in plan.decisions { apply(decision) }
        for (volume, departure) in departures.sorted(by: { $0.key < $1.key }) {
            let isRight = departure.takers.contains { mayLeave(volume, of: $0.unit, on: departure.from, for: $0.to) }
            guard !isRight, let first = departure.takers.first else { continue }
            findings.append(.abandoned(first.unit, volume, departure.from))
        }
    }

    func home(after volume: VolumeName) -> MachineID? {
        homes[volume] ?? (released.contains(volume) ? nil : snapshot.volumeHomes[volume]?.machine)
    }

    func machines(of unit: UnitName) -> [MachineID] { assignments(of: unit).keys.sorted() }

    func assignments(of unit: UnitName) -> [MachineID: Assignment] {
        changedAssignments[unit] ?? snapshot.assignments[unit] ?? [:]
    }

    private func units(on machine: MachineID) -> Set<UnitName> {
        changedMachines[machine] ?? snapshot.unitsByMachine[machine] ?? []
    }

    private mutating func apply(_ decision: Decision) {
        let unit = decision.unit
        switch decision.action {
        case .assign(let machine, let new): put(unit, machine, new, over: nil)
        case .update(let machine, let new):
            if assignments(of: unit)[machine] == nil {
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
            records[unit, default: snapshot.failures[unit] ?? [:]][scope] = record
        case .settle(let volumes, let shared, let machine):
            self.shared.formUnion(shared)
            for (volume, former) in volumes {
                homes[volume] = machine
                if snapshot.volumeHomes[volume]?.machine != former || former == machine {
                    findings.append(.baseless(unit, "settles \(volume), which was not so"))
                }
                // Several units may settle one volume, and one of them is who may take it.
                if let former { departures[volume, default: (former, [])].takers.append((unit, machine)) }
            }
        case .share(let volumes, let machine):
            shared.formUnion(volumes)
            for volume in volumes where !isAnothers(volume, than: unit, on: machine) {
                findings.append(.baseless(unit, "shares \(volume), which is not another's there"))
            }
        case .release(let volumes):
            released.formUnion(volumes.keys)
            findings += releaseFindings(of: unit, volumes)
        case .endMove(let machine):
            endedMoves.insert(unit)
            if snapshot.moves[unit]?.to != machine { findings.append(.baseless(unit, "ends a move nobody asked for")) }
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
        change(unit, machine, to: new)
    }

    private mutating func take(_ unit: UnitName, _ machine: MachineID) {
        if assignments(of: unit)[machine] == nil {
            findings.append(.baseless(unit, "taken from \(machine.short), where it is not"))
        }
        change(unit, machine, to: nil)
    }

    private mutating func change(_ unit: UnitName, _ machine: MachineID, to new: Assignment?) {
        if changedAssignments[unit] == nil { changedAssignments[unit] = snapshot.assignments[unit] ?? [:] }
        if changedMachines[machine] == nil { changedMachines[machine] = snapshot.unitsByMachine[machine] ?? [] }
        changedAssignments[unit]?[machine] = new
        if new == nil { changedMachines[machine]?.remove(unit) } else { changedMachines[machine]?.insert(unit) }
    }

    /// Whether the reschedule policy keeps the unit from being placed anew.
    func isHeld(_ unit: Unit, _ scope: FailureScope, _ now: Timestamp) -> Bool {
        guard let record = (records[unit.name] ?? snapshot.failures[unit.name] ?? [:])[scope],
            record.recent.last?.run.generation == unit.generation
        else {
            return false
        }
        switch record.verdict {
        case .givenUp: return true
        case .retry(let at):
            let all = assignments(of: unit.name)
            let concerned: [Assignment] =
                switch scope {
                case .fleet: Array(all.values)
                case .machine(let machine): all[machine].map { [$0] } ?? []
                }
            return at > now && at.since(now) <= unit.options.reschedule.maximumDelay
                && !concerned.contains { $0.generation == unit.generation && $0.attempt >= record.count }
        }
    }

    /// An ordinary unit may be on two machines while it is handed over: from one that is drained, or that a user wants
    /// it to leave, to one that it may stay on.
    func isHandover(of unit: Unit, _ machines: [MachineID]) -> Bool {
        guard machines.count == 2, !unit.options.atMostOnce, snapshot.stickyVolumes(of: unit).isEmpty,
            unit.target.state == .launched
        else { return false }
        let wished = endedMoves.contains(unit.name) ? nil : snapshot.moves[unit.name]?.to
        let left = machines.filter { machine in
            let isDrained = snapshot.machines[machine]?.orders.draining != nil
            let isUnwanted = wished.map { $0 != machine && machines.contains($0) } ?? false
            return (isDrained || isUnwanted) && snapshot.statuses[unit.name]?[machine]?.failure == nil
        }
        return left.count == 1 && machines.allSatisfy { snapshot.machines[$0]?.presence != nil }
    }

    /// Why `unit` may not be on `machine` beside those who would be there, in words; nil when it may.
    /// One that is `arriving` is not stayed with: it would come there anew.
    mutating func objection(to unit: Unit, on machine: MachineID, arriving: Bool = false) -> String? {
        guard let known = snapshot.machines[machine], known.presence != nil else { return "not present" }
        let isNew = arriving || snapshot.assignments[unit.name]?[machine] == nil
        if isNew, known.orders.cordoned != nil { return "cordoned" }
        if let drain = known.orders.draining, isNew || drain.isOverdue(now) { return "drained" }
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
        if let programs = objection(ofProgramsTo: unit, on: machine, isNew: isNew) { return programs }
        if isNew {
            let keys = known.presence?.secretKeys ?? []
            for credential in snapshot.credentials(for: options) {
                guard let record = snapshot.credentials[credential.source] else { return "no \(credential.source)" }
                if let key = record.key, !keys.contains(key) { return "no key \(key)" }
            }
        }
        if snapshot.refusals[unit.name]?[machine] != nil { return "refused" }
        if let volume = snapshot.stickyVolumes(of: unit).first(where: { isKeptElsewhere($0, of: unit.name, machine) }) {
            return "its volume \(volume)"
        }
        let here = units(on: machine)
        if let peer = options.machineOf.first(where: { $0 == unit.name || !here.contains($0) }) {
            return "MachineOf=\(peer)"
        }
        if let anchor = anchor(of: unit), anchor != unit.name, !here.contains(anchor) { return "its pod's \(anchor)" }
        if !options.conflicts.isEmpty {
            for other in here where other != unit.name && options.conflicts.contains(where: { $0.matches(other) }) {
                return "conflict with \(other)"
            }
        }
        for neighbour in neighbours(on: machine) where neighbour.name != unit.name {
            if neighbour.options.conflicts.contains(where: { $0.matches(unit.name) }) {
                return "conflict with \(neighbour.name)"
            }
            if neighbour.options.replaces.contains(where: { $0.matches(unit.name) }),
                !dependencies(of: neighbour.name).contains(unit.name)
            {
                return "replaced by \(neighbour.name)"
            }
        }
        return nil
    }

    /// systemd and podman
    private func objection(ofProgramsTo unit: Unit, on machine: MachineID, isNew: Bool) -> String? {
        var files = [unit]
        var isWhole = true
        var place = 0
        while place < files.count {
            for name in files[place].quadlet?.references ?? [] {
                let known = snapshot.units.values.filter { $0.intent.source == name && $0.quadlet != nil }
                if known.isEmpty, name != unit.intent.source { isWhole = false }
                files += known.filter { candidate in !files.contains { $0.name == candidate.name } }
            }
            place += 1
        }
        let presence = snapshot.machines[machine]?.presence
        let old = isNew ? nil : snapshot.assignments[unit.name]?[machine]
        let runs = [old?.file].compactMap(\.self) + (old?.quadlet?.companions.values.map(\.self) ?? [])
        if let systemd = presence?.systemd, files.contains(where: { $0.systemd?.version ?? 0 > systemd }),
            !files.allSatisfy({ runs.contains($0.intent.file) })
        {
            return "systemd \(systemd)"
        }
        guard unit.quadlet != nil else { return nil }
        if isNew, !isWhole { return "a Quadlet file is missing" }
        let wanted = files.compactMap { $0.quadlet?.podman.version }.max() ?? PodmanVersion(0, 0)
        guard let podman = presence?.podman else { return isNew ? "no podman" : nil }
        return podman < wanted ? "podman \(podman)" : nil
    }

    /// The units on a machine that say anything about others; of the rest of them nothing is asked.
    private mutating func neighbours(on machine: MachineID) -> [Unit] {
        if let known = neighbours[machine] { return known }
        let found = units(on: machine).compactMap { snapshot.units[$0] }
            .filter { !$0.options.conflicts.isEmpty || !$0.options.replaces.isEmpty }
        neighbours[machine] = found
        return found
    }

    /// All units whose place has a part in where `unit` is.
    private func dependencies(of unit: UnitName) -> Set<UnitName> {
        var all: Set<UnitName> = []
        var fresh: Set<UnitName> = [unit]
        while !fresh.isEmpty {
            var next: Set<UnitName> = []
            for name in fresh {
                next.formUnion(snapshot.units[name]?.options.machineOf ?? [])
                if let pod = snapshot.units[name]?.pod {
                    next.formUnion(snapshot.units.filter { $0.value.pod == pod }.keys)
                }
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
