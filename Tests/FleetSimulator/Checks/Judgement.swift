import FleetAgent
import FleetEngine
import FleetModel
import FleetRegistry
import UnitFile

/// Whether the fleet is where it should be, once everything was healed: what is stored against what users asked, and
/// what runs against what is stored. Every sentence is something that is wrong.
struct Judgement {
    private let world: SimWorld
    private let checks: WorldChecks
    private let machines: [SimMachine]
    private let state: FinalState
    private let placement: FinalPlacement
    private(set) var problems: [String] = []
    /// Something is going to be tried again at a known time.
    private(set) var isWaiting = false

    init(_ world: SimWorld, _ checks: WorldChecks) {
        self.world = world
        self.checks = checks
        machines = checks.machines
        state = FinalState(checks)
        placement = FinalPlacement(state, world, machines)
        // A brake ends by itself.
        isWaiting = state.brake?.since != nil
        judgeMachines()
        let units = Set(state.intents.keys).union(state.placed.keys).union(state.targets.keys)
        for unit in units.sorted() { judgePlaces(of: unit) }
        judgeHomes()
        for (unit, wish) in state.moves { problems.append("\(unit) is still to be moved to \(wish.to.short)") }
        for machine in machines where machine.isOn { judgeSystemd(machine) }
        // What came back by itself is tried again all the same, when its time has come.
        for (unit, records) in state.failures { for scope in records.keys { _ = isHeld(unit, scope) } }
        if problems.isEmpty { judgeSnapshots() }
    }

    // MARK: Machines

    private mutating func judgeMachines() {
        for machine in machines {
            let isPresent = state.present.contains(machine.index)
            if isPresent != machine.isOn {
                problems.append("m\(machine.index) is \(machine.isOn ? "on" : "off") and present: \(isPresent)")
            }
            if machine.isOn, machine.fleetd?.control.isWritable != true {
                problems.append("m\(machine.index) takes no wishes")
            }
        }
        let candidates = machines.filter { $0.isOn && $0.hasEngine }
        // One that has given up its leadership leaves the key to the end of its lease.
        if !candidates.isEmpty,
            !candidates.contains(where: { $0.id == state.leader && $0.fleetd?.engine?.core.epoch != nil })
        {
            problems.append("nobody leads")
        }
    }

    /// What was followed change by change is what a list says.
    private mutating func judgeSnapshots() {
        var feed = SnapshotFeed(keyspace: checks.keyspace)
        _ = feed.list(checks.store.entries(in: checks.keyspace.all), at: checks.store.revision)
        for machine in machines where machine.isOn {
            guard let followed = machine.fleetd?.control.snapshot, !Self.agree(followed, feed.snapshot) else {
                continue
            }
            problems.append("m\(machine.index) has followed the registry to another state than is listed")
        }
    }

    /// But for the revision: changes outside of fleet's keys are not followed.
    private static func agree(_ followed: Snapshot, _ listed: Snapshot) -> Bool {
        var listed = listed
        listed.revision = followed.revision
        return followed == listed
    }

    /// Who leaves its data behind is bound by nothing when it keeps to them again.
    private mutating func judgeHomes() {
        let kept = Set(placement.specs.values.compactMap(\.volume))
        for (volume, unit) in state.owners.sorted(by: { $0.key < $1.key }) where !kept.contains(volume) {
            guard let spec = placement.specs[unit], spec.losesData, spec.namedVolume == volume else { continue }
            problems.append("the home of \(volume) is still stored, and \(unit) leaves it behind")
        }
    }

    // MARK: Places

    private mutating func judgePlaces(of unit: UnitName) {
        let places = state.placed[unit] ?? []
        guard let spec = placement.specs[unit], let target = state.targets[unit], target.state > .inactive else {
            for place in places { problems.append("\(unit) should be nowhere and is assigned to m\(place.machine)") }
            return
        }
        for place in places { judgeAssignment(unit, place) }
        if spec.isGlobal { return judgeGlobal(unit, spec, places) }
        guard places.count < 2 else {
            problems.append("\(unit) is assigned to \(places.map { "m\($0.machine)" }.joined(separator: " and "))")
            return
        }
        let home = places.first.map { machines[$0.machine] }
        if let home, state.present.contains(home.index) {
            if let why = placement.objection(to: unit, spec, on: home, isThere: true) {
                problems.append("\(unit) may not be on m\(home.index): \(why)")
            }
            return judgeDrained(unit, spec, home)
        }
        if home != nil, spec.trigger == .never { return }
        if let home, state.brake?.holds(home.id) == true {
            let lost = machines.count { !state.present.contains($0.index) }
            if lost <= state.present.count { problems.append("the brake is on for m\(home.index) alone") }
            return
        }
        if isHeld(unit, .fleet) { return }
        for machine in machines where machine !== home {
            if placement.objection(to: unit, spec, on: machine, isThere: false) == nil {
                problems.append("\(unit) is on no machine that is there, although m\(machine.index) may have it")
            }
        }
    }

    /// A unit stays on a machine that is drained only while no other may have it, and not after the deadline.
    private mutating func judgeDrained(_ unit: UnitName, _ spec: UnitSpec, _ home: SimMachine) {
        guard let drain = state.orders[home.index]?.draining else { return }
        if let deadline = drain.deadline {
            let now = machines.filter { $0.isOn && $0.hasEngine }.map(\.clock.now).min()
            if let now, deadline.advanced(by: .seconds(5)) < now {
                problems.append("\(unit) is on m\(home.index) after the deadline of its drain")
            } else {
                isWaiting = true
            }
        }
        if isHeld(unit, .fleet) { return }
        for machine in machines where machine !== home {
            if placement.objection(to: unit, spec, on: machine, isThere: false) == nil {
                problems.append(
                    "\(unit) is on m\(home.index), which is drained, although m\(machine.index) may have it"
                )
            }
        }
    }

    private mutating func judgeGlobal(_ unit: UnitName, _ spec: UnitSpec, _ places: [FinalState.Placed]) {
        for machine in machines where state.present.contains(machine.index) {
            let isThere = places.contains { $0.machine == machine.index }
            let why = placement.objection(to: unit, spec, on: machine, isThere: isThere)
            if isThere, let why { problems.append("\(unit) may not be on m\(machine.index): \(why)") }
            let others = state.units(on: machine.index).filter { placement.specs[$0]?.isGlobal == false }
            if isThere, state.orders[machine.index]?.draining != nil, others.isEmpty {
                problems.append("\(unit) is on m\(machine.index), which is drained and has no ordinary units")
            }
            if !isThere, why == nil, !isHeld(unit, .machine(machine.id)) {
                problems.append("\(unit) is not on m\(machine.index), which may have it")
            }
        }
    }

    /// What is assigned is what was asked.
    private mutating func judgeAssignment(_ unit: UnitName, _ place: FinalState.Placed) {
        guard state.present.contains(place.machine), let intent = state.intents[unit], let target = state.targets[unit]
        else { return }
        let assignment = place.assignment
        if assignment.file != intent.file || assignment.target != target.state
            || assignment.generation != state.generation(of: unit) || assignment.restart != target.restart
        {
            problems.append("\(unit) on m\(place.machine) is not what was asked: \(assignment)")
        }
    }

    /// Kept from being tried by its failures, for a reason that is true.
    private mutating func isHeld(_ unit: UnitName, _ scope: FailureScope) -> Bool {
        guard let record = state.failures[unit]?[scope], let spec = placement.specs[unit],
            record.recent.last?.run.generation == state.generation(of: unit)
        else { return false }
        let places = state.placed[unit] ?? []
        let attempt = places.filter {
            scope == .fleet || scope == .machine(machines[$0.machine].id)
        }.map(\.assignment.attempt).max()
        if record.count > checks.failures[unit, default: 0] {
            problems.append("\(unit) is said to have failed \(record.count) times, it was fewer")
        }
        switch record.verdict {
        case .givenUp:
            let machines = Set(record.recent.map(\.machine)).count
            if spec.trigger == .onFailure, spec.limit == 0 || (record.count < spec.limit && machines < 3) {
                problems.append("\(unit) was given up after \(record.count) failures, its limit is \(spec.limit)")
            }
            return true
        case .retry(let at):
            guard (attempt ?? -1) < record.count else { return false }
            // By the slowest clock there is: the leader's counts, and whose that is may change.
            let now = machines.filter { $0.isOn && $0.hasEngine }.map(\.clock.now).min()
            guard let now, at.advanced(by: .seconds(5)) > now else { return false }
            isWaiting = true
            return true
        }
    }

    // MARK: systemd

    private mutating func judgeSystemd(_ machine: SimMachine) {
        var assigned: [UnitName: Assignment] = [:]
        for (unit, places) in state.placed {
            assigned[unit] = places.first { $0.machine == machine.index }?.assignment
        }
        for unit in Set(assigned.keys).union(machine.systemd.units.keys).sorted() {
            guard let assignment = assigned[unit] else {
                problems.append("\(unit) is left on m\(machine.index)")
                continue
            }
            judge(unit, assignment, machine)
        }
    }

    private mutating func judge(_ name: UnitName, _ assignment: Assignment, _ machine: SimMachine) {
        let place = "\(name) on m\(machine.index)"
        let unit = machine.systemd.units[name]
        guard let status = state.statuses[WorldChecks.Place(unit: name, machine: machine.index)] else {
            problems.append("\(place) has no status")
            return
        }
        if status.run != assignment.run || !status.settled {
            problems.append("the status of \(place) is old: \(status)")
        }
        let seen = machine.systemd.observation(of: name)
        if status.active != seen?.activeState ?? "inactive" || status.invocation != seen?.invocation ?? ""
            || status.file != seen?.file
        {
            problems.append("the status of \(place) is not true: \(status), \(String(describing: seen))")
        }
        if status.failure != nil || unit?.state == .failed { return judgeFailure(name, assignment, machine) }
        guard let unit, unit.file == assignment.file else {
            problems.append("\(place) is not installed")
            return
        }
        if unit.isGuarded, state.locks[name] != machine.id {
            problems.append("\(place) runs under the lock of \(state.locks[name]?.short ?? "nobody")")
        }
        switch (assignment.target, unit.state) {
        case (.launched, .up), (.loaded, .dead): break
        case (.launched, .dead) where unit.spec.behaviour == .oneshot && unit.invocation != "": break
        default: problems.append("\(place) should be \(assignment.target.rawValue) and is \(unit.state)")
        }
    }

    /// A run that failed is in the record, and what follows is the policy's.
    private mutating func judgeFailure(_ unit: UnitName, _ assignment: Assignment, _ machine: SimMachine) {
        let isGlobal = placement.specs[unit]?.isGlobal == true
        let scope: FailureScope = isGlobal ? .machine(machine.id) : .fleet
        if !isHeld(unit, scope) {
            let record = state.failures[unit]?[scope]
            problems.append(
                "\(unit) has failed on m\(machine.index) at run \(assignment.run) and nothing follows: "
                    + (record.map { "\($0.count) failures, \($0.verdict)" } ?? "no record")
            )
        }
    }
}
