import FleetModel
import FleetPlanner
import UnitFile

/// A fleet in memory: a snapshot that users, agents and plans change, each change remembered for
/// `PlanningIndex.update`.
struct TestFleet {
    private(set) var snapshot = Snapshot()
    var now = Timestamp(milliseconds: 1_800_000_000_000)
    private(set) var changedUnits: Set<UnitName> = []
    private(set) var changedMachines: Set<MachineID> = []
    private(set) var changedVolumes: Set<VolumeName> = []
    let epoch = Epoch(1)
    /// Generations grow over the whole fleet, so that a unit that is destroyed and submitted again has a larger one.
    private var generation: Generation = 0

    mutating func takeChanges() -> (units: Set<UnitName>, machines: Set<MachineID>, volumes: Set<VolumeName>) {
        defer { (changedUnits, changedMachines, changedVolumes) = ([], [], []) }
        return (changedUnits, changedMachines, changedVolumes)
    }

    private mutating func touch(_ unit: UnitName) {
        changedUnits.insert(unit)
        snapshot.revision = snapshot.revision.next
    }

    mutating func nextGeneration() -> Generation {
        generation += 1
        return generation
    }

    /// `body` returns the units that it touches.
    mutating func change(_ body: (inout Snapshot) -> [UnitName]) {
        for unit in body(&snapshot) { touch(unit) }
    }

    mutating func changeMachine(_ id: MachineID, _ body: (inout Machine) -> Void) {
        guard var machine = snapshot.machines[id] else { return }
        body(&machine)
        snapshot.machines[id] = machine
        changedMachines.insert(id)
        snapshot.revision = snapshot.revision.next
    }

    // MARK: Machines

    mutating func machine(
        _ id: MachineID,
        metadata: [String: String] = [:],
        podman: PodmanVersion? = nil,
        systemd: String = "257"
    ) {
        var machine = snapshot.machines[id] ?? Machine(id: id)
        machine.presence = MachinePresence(
            hostname: id.short,
            primaryIP: "",
            metadata: metadata,
            version: "1",
            systemdVersion: systemd,
            podman: podman,
            since: now
        )
        snapshot.machines[id] = machine
        changedMachines.insert(id)
        snapshot.revision = snapshot.revision.next
    }

    /// The machine is remembered when it is lost.
    mutating func know(_ id: MachineID) {
        changeMachine(id) { $0.known = KnownMachine(hostname: id.short, primaryIP: "") }
    }

    /// The machine's lease ends, and with it all that hangs on it.
    mutating func lose(_ id: MachineID) {
        guard snapshot.machines[id]?.presence != nil else { return }
        snapshot.machines[id]?.presence = nil
        dropUnknown(id)
        for unit in snapshot.statuses.keys where snapshot.statuses[unit]?[id] != nil {
            snapshot.statuses[unit]?[id] = nil
            touch(unit)
        }
        for unit in snapshot.refusals.keys where snapshot.refusals[unit]?[id] != nil {
            snapshot.refusals[unit]?[id] = nil
            touch(unit)
        }
        changedMachines.insert(id)
        snapshot.revision = snapshot.revision.next
    }

    mutating func label(_ id: MachineID, _ labels: [String: String?]) {
        snapshot.machines[id, default: Machine(id: id)].labels = labels
        changedMachines.insert(id)
        snapshot.revision = snapshot.revision.next
    }

    mutating func order(_ id: MachineID, _ orders: MachineOrders) {
        snapshot.machines[id, default: Machine(id: id)].orders = orders
        dropUnknown(id)
        changedMachines.insert(id)
        snapshot.revision = snapshot.revision.next
    }

    mutating func cordon(_ id: MachineID, _ reason: String? = nil) {
        order(id, MachineOrders(cordoned: .init(set: Provenance(at: now, by: "test"), reason: reason)))
    }

    mutating func drain(_ id: MachineID, deadline: Duration? = nil) {
        let end = deadline.map { now.advanced(by: $0) }
        order(id, MachineOrders(draining: .init(set: Provenance(at: now, by: "test"), deadline: end)))
    }

    /// What the feed does with a machine that nothing is known of any more.
    private mutating func dropUnknown(_ id: MachineID) {
        guard let known = snapshot.machines[id], known.presence == nil, known.known == nil,
            known.labels.isEmpty, known.orders.isEmpty
        else { return }
        snapshot.machines[id] = nil
    }

    // MARK: Units

    mutating func wish(_ name: UnitName, on machine: MachineID?, losing: Bool = false) {
        let loses = losing ? true : Bool?.none
        snapshot.moves[name] = machine.map {
            MoveWish(to: $0, losesVolumes: loses, set: Provenance(at: now, by: "test"))
        }
        touch(name)
    }

    mutating func submit(
        _ name: UnitName,
        from source: QuadletName? = nil,
        quadlet: QuadletFacts? = nil,
        text: String = "",
        volumes: [VolumeName] = [],
        target: TargetState = .launched,
        _ options: FleetOptions = FleetOptions()
    ) {
        generation += 1
        let by = Provenance(at: now, by: "test")
        let file = ContentHash(of: "\(name)\(options)\(text)\(volumes)")
        var named = UnitVolumes()
        named.names = volumes
        if let old = snapshot.units[name]?.intent.source { snapshot.unitsBySource[old] = nil }
        if let source { snapshot.unitsBySource[source] = [name] }
        snapshot.units[name] = Unit(
            name: name,
            intent: UnitIntent(file: file, generation: generation, submitted: by, source: source),
            target: UnitTarget(state: target, generation: generation, set: by),
            options: options,
            quadlet: quadlet,
            volumes: named,
            renewal: snapshot.renewal(for: options, by: .restart),
            reload: snapshot.renewal(for: options, by: .reload)
        )
        touch(name)
    }

    /// Submits a Quadlet file under the name of its service.
    mutating func submit(
        _ source: String,
        needs references: [String] = [],
        podman: PodmanVersion = PodmanVersion(4, 4),
        text: String = "",
        target: TargetState = .launched
    ) throws {
        let name = try QuadletName(source)
        let need = PodmanNeed(podman, cause: "its test")
        let facts = QuadletFacts(references: try references.map { try QuadletName($0) }.sorted(), podman: need)
        submit(name.standardService, from: name, quadlet: facts, text: text, target: target)
    }

    /// The unit's file says something that only this systemd understands.
    mutating func need(_ need: SystemdNeed, by name: UnitName) {
        snapshot.units[name]?.systemd = need
        touch(name)
    }

    /// What the machine's agent says of its images; nothing is planned because of it.
    mutating func image(_ name: String, on machine: MachineID) {
        guard let name = ImageName(name) else { preconditionFailure("\(name) is no image") }
        snapshot.images[machine, default: []].insert(name)
    }

    /// The same file, submitted when its image's tag meant this.
    mutating func pin(_ name: UnitName, to image: String) {
        generation += 1
        snapshot.units[name]?.intent.image = image
        snapshot.units[name]?.intent.generation = generation
        touch(name)
    }

    mutating func target(_ name: UnitName, _ state: TargetState) {
        generation += 1
        snapshot.units[name]?.target.state = state
        snapshot.units[name]?.target.generation = generation
        touch(name)
    }

    mutating func restart(_ name: UnitName) {
        generation += 1
        snapshot.units[name]?.target.generation = generation
        snapshot.units[name]?.target.restart = generation
        touch(name)
    }

    mutating func destroy(_ name: UnitName) {
        if let source = snapshot.units[name]?.intent.source { snapshot.unitsBySource[source] = nil }
        snapshot.units[name] = nil
        snapshot.failures[name] = nil
        touch(name)
    }

    /// What a feed shows of a unit whose stored file cannot be read.
    mutating func makeUnreadable(_ name: UnitName) {
        snapshot.units[name] = nil
        snapshot.unitRevisions[name] = snapshot.revision
        touch(name)
    }

    mutating func resetFailed(_ name: UnitName) {
        generation += 1
        snapshot.failures[name] = nil
        snapshot.units[name]?.target.generation = generation
        touch(name)
    }

    // MARK: Agents

    /// The present run fails for good.
    /// `holding`: what the machine says of the unit's volumes.
    mutating func fail(
        _ name: UnitName,
        on machine: MachineID,
        _ message: String = "exited with status 1",
        holding volumes: [VolumeName]? = nil
    ) {
        guard let assignment = snapshot.assignments[name]?[machine], snapshot.machines[machine]?.presence != nil else {
            return
        }
        let failure = UnitFailure(cause: .exitCode, message: message, at: now)
        snapshot.statuses[name, default: [:]][machine] = UnitStatus(
            file: assignment.file,
            run: assignment.run,
            load: "loaded",
            active: "failed",
            sub: "failed",
            settled: true,
            failure: failure,
            volumes: volumes,
            at: now
        )
        touch(name)
    }

    /// The present run is up and settled.
    mutating func arrive(
        _ name: UnitName,
        on machine: MachineID,
        _ health: HealthStatus.State? = nil,
        holding volumes: [VolumeName]? = nil
    ) {
        guard let assignment = snapshot.assignments[name]?[machine], snapshot.machines[machine]?.presence != nil else {
            return
        }
        snapshot.statuses[name, default: [:]][machine] = UnitStatus(
            file: assignment.file,
            run: assignment.run,
            load: "loaded",
            active: assignment.target == .launched ? "active" : "inactive",
            sub: assignment.target == .launched ? "running" : "dead",
            settled: true,
            volumes: assignment.target == .launched ? nil : volumes,
            at: now,
            health: health.map { HealthStatus(state: $0, retries: 3, at: now) }
        )
        touch(name)
    }

    /// A user forgets where the volume is.
    mutating func forget(_ volume: VolumeName) {
        snapshot.volumeHomes[volume] = nil
        changedVolumes.insert(volume)
        snapshot.revision = snapshot.revision.next
    }

    mutating func refuse(_ name: UnitName, on machine: MachineID, _ reason: String?) {
        guard snapshot.machines[machine]?.presence != nil else { return }
        snapshot.refusals[name, default: [:]][machine] = reason.map { Refusal(reason: $0, at: now) }
        touch(name)
    }

    /// What the leader writes down before it plans.
    mutating func brake(silent: Set<MachineID> = [], awaited: Set<MachineID> = []) {
        let new = Brake.next(snapshot, Brake.Sight(silent: silent, awaited: awaited), now: now)
        let stored = new.isEmpty ? nil : new
        guard stored != snapshot.brake else { return }
        changedMachines.formUnion(snapshot.brake.map { Array($0.lost.keys) } ?? [])
        changedMachines.formUnion(new.lost.keys)
        snapshot.brake = stored
        snapshot.revision = snapshot.revision.next
    }

    mutating func releaseBrake() {
        guard let brake = snapshot.brake else { return }
        changedMachines.formUnion(brake.lost.keys)
        snapshot.brake?.released = brake.lost.keys.sorted()
    }

    // MARK: Plans

    func plan() -> Plan { Planner.plan(snapshot, now: now, epoch: epoch) }

    /// What the registry holds after every decision of `plan` was committed.
    mutating func apply(_ plan: Plan) {
        for decision in plan.decisions {
            let unit = decision.unit
            switch decision.action {
            case .assign(let machine, let new), .update(let machine, let new): put(unit, machine, new)
            case .unassign(let machine): put(unit, machine, nil)
            case .move(let from, let to, let new):
                put(unit, from, nil)
                put(unit, to, new)
            case .recordFailure(let scope, let record): snapshot.failures[unit, default: [:]][scope] = record
            case .endMove: snapshot.moves[unit] = nil
            case .share(let volumes, _):
                for volume in volumes {
                    snapshot.volumeHomes[volume]?.isShared = true
                    changedVolumes.insert(volume)
                }
            case .settle(let volumes, let shared, let machine):
                for volume in volumes.keys {
                    let isShared = shared.contains(volume) ? true : nil
                    snapshot.volumeHomes[volume] =
                        VolumeHome(machine: machine, unit: unit, since: now, isShared: isShared)
                    changedVolumes.insert(volume)
                }
            case .release(let volumes): for volume in volumes.keys { forget(volume) }
            }
            touch(unit)
        }
    }

    /// Puts a unit where the planner did not.
    mutating func force(_ name: UnitName, on machine: MachineID) {
        guard let unit = snapshot.units[name] else { return }
        put(
            name,
            machine,
            Assignment(
                file: unit.intent.file,
                target: unit.target.state,
                generation: unit.generation,
                restart: unit.target.restart,
                attempt: 0,
                atMostOnce: unit.options.atMostOnce,
                epoch: epoch,
                reason: "forced",
                at: now
            )
        )
        touch(name)
    }

    private mutating func put(_ name: UnitName, _ machine: MachineID, _ assignment: Assignment?) {
        snapshot.assignments[name, default: [:]][machine] = assignment
        if snapshot.assignments[name]?.isEmpty == true { snapshot.assignments[name] = nil }
        if assignment == nil {
            snapshot.unitsByMachine[machine]?.remove(name)
            if snapshot.unitsByMachine[machine]?.isEmpty == true { snapshot.unitsByMachine[machine] = nil }
            snapshot.statuses[name]?[machine] = nil
        } else {
            snapshot.unitsByMachine[machine, default: []].insert(name)
        }
        changedMachines.insert(machine)
    }
}

/// The machine `aaaa...` for "a".
func machine(_ digit: Character) -> MachineID {
    guard let id = MachineID(String(repeating: digit, count: 32)) else { fatalError("'\(digit)' is no hex digit") }
    return id
}

func unit(_ text: String) -> UnitName {
    do {
        return try UnitName(text)
    } catch {
        fatalError("\(error)")
    }
}

func volume(_ text: String) -> VolumeName {
    do {
        return try VolumeName(text)
    } catch {
        fatalError("\(error)")
    }
}

func options(_ change: (inout FleetOptions) -> Void) -> FleetOptions {
    var options = FleetOptions()
    change(&options)
    return options
}

extension Plan {
    /// `web.service@a`: who would be placed or moved where, who leaves, in a form that fits in a table.
    var summary: [String] {
        decisions.map { decision in
            switch decision.action {
            case .assign(let machine, _): "\(decision.unit.prefix)+\(machine.short.prefix(1))"
            case .update(let machine, let new): "\(decision.unit.prefix)=\(machine.short.prefix(1))#\(new.attempt)"
            case .unassign(let machine): "\(decision.unit.prefix)-\(machine.short.prefix(1))"
            case .move(let from, let to, _):
                "\(decision.unit.prefix):\(from.short.prefix(1))>\(to.short.prefix(1))"
            case .recordFailure(_, let record): "\(decision.unit.prefix)!\(record.count)"
            case .endMove(let machine): "\(decision.unit.prefix)~\(machine.short.prefix(1))"
            case .settle(let volumes, _, let machine):
                "\(decision.unit.prefix)@\(machine.short.prefix(1))"
                    + (volumes.values.contains { $0 != nil } ? "!" : "")
            case .share(let volumes, _): "\(decision.unit.prefix)@+\(volumes.count)"
            case .release(let volumes): "\(decision.unit.prefix)@-\(volumes.count)"
            }
        }
    }
}
