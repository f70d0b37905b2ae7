import FleetModel
import UnitFile

/// One planning run: takes elements from a worklist, changes the world, and puts back what a change concerns, until
/// nothing is left. What has then changed against the snapshot are the decisions.
///
/// It ends: a newcomer never comes into conflict with who is there, so units leave only because of replacements and of
/// units they are `MachineOf=`, and those are free of circles (`ReplacementOrder`).
struct PlanningRun {
    /// A unit's place in the failure records, and the machine for a global unit.
    struct RecordKey: Hashable {
        var unit: UnitName
        var scope: FailureScope
    }

    let snapshot: Snapshot
    let index: PlanningIndex
    let now: Timestamp
    let epoch: Epoch
    var world: World
    var work = Worklist()
    /// Ordinary units that were looked at.
    var considered: Set<UnitName> = []
    /// Global units that were looked at, with the slots.
    var consideredGlobals: [UnitName: Set<Int>] = [:]
    var blocked: [UnitName: BlockedReason] = [:]
    /// Why units are still on machines that they should leave.
    var staying: [UnitName: [MachineID: StayingReason]] = [:]
    /// Why units have set out for a second machine.
    var departures: [UnitName: DecisionReason.Cause] = [:]
    /// Second machines on which a unit failed and is tried again at once: what the snapshot says of them is over.
    var renewed: [UnitName: Int] = [:]
    /// Moves asked for that cannot be made, with the reason.
    var droppedWishes: [UnitName: String] = [:]
    /// Machines that are present and drained.
    let drained: [Int]
    /// Machines on which many units have failed lately, with how many.
    let faulty: [Int: Int]
    /// Records written by this run.
    var records: [RecordKey: FailureRecord] = [:]
    /// Failures that this run answers with a new attempt.
    var retried: Set<RecordKey> = []
    /// Why units have left machines. The first cause counts: it is what a person wants to know.
    var causes: [UnitName: [Int: DecisionReason.Cause]] = [:]
    /// Why units have come to machines; the last counts.
    var choices: [UnitName: DecisionReason.Choice] = [:]

    init(snapshot: Snapshot, index: PlanningIndex, now: Timestamp, epoch: Epoch) {
        self.snapshot = snapshot
        self.index = index
        self.now = now
        self.epoch = epoch
        drained = index.hosts.indices.filter { index.hosts[$0].isPresent && index.hosts[$0].orders.draining != nil }
        var faulty: [Int: Int] = [:]
        for (machine, units) in snapshot.faultyMachines(now: now) {
            if let slot = index.slots[machine] { faulty[slot] = units }
        }
        self.faulty = faulty
        world = World(snapshot: snapshot, index: index, now: now)
    }

    mutating func settle() {
        while let element = work.removeFirst() {
            if let slot = element.slot {
                settleGlobal(element.unit, on: slot)
            } else {
                settle(element.unit)
            }
        }
    }

    /// Dispatches on what is so now, not on the phase in which the unit was put into the worklist.
    private mutating func settle(_ name: UnitName) {
        considered.insert(name)
        blocked[name] = nil
        staying[name] = nil
        switch phase(of: name) {
        case .release: release(name)
        case .validate: validate(name)
        case .place: place(name)
        case .global: settleEverywhere(name)
        }
        dropWishIfBlocked(name)
    }

    func phase(of name: UnitName) -> Worklist.Phase {
        guard let unit = snapshot.units[name], unit.target.state > .inactive, !name.isTemplate else { return .release }
        if unit.options.isGlobal { return .global }
        return world.slots(of: name).contains(where: world.isPresent) ? .validate : .place
    }

    /// A unit that is gone, stopped, or a template has no machine. A unit that is stored but cannot be read is left
    /// alone: nothing that runs is stopped because of that.
    private mutating func release(_ name: UnitName) {
        let cause: DecisionReason.Cause
        if let unit = snapshot.units[name] {
            cause = unit.target.state == .inactive ? .stopped : .isTemplate
            if unit.target.state > .inactive { blocked[name] = .isTemplate }
        } else {
            let isStored = snapshot.unitRevisions[name] != nil || snapshot.targetRevisions[name] != nil
            guard !isStored else { return }
            cause = .destroyed
        }
        for slot in world.slots(of: name) { leave(name, from: slot, because: cause) }
    }

    /// Takes `name` off a machine and looks again at whom that concerns.
    mutating func leave(_ name: UnitName, from slot: Int, because cause: DecisionReason.Cause) {
        world.remove(name, from: slot)
        disclaimVolumes(of: name, on: slot)
        if causes[name]?[slot] == nil { causes[name, default: [:]][slot] = cause }
        reconsiderFollowers(of: name)
        reconsiderThoseInWait(for: name, on: slot)
        reconsiderDeparting(for: name, on: slot)
    }

    /// Puts `name` on a machine and looks again at whom that concerns.
    mutating func come(_ name: UnitName, to slot: Int, because choice: DecisionReason.Choice, displacing: [UnitName]) {
        world.place(name, on: slot)
        claimVolumes(of: name, on: slot)
        choices[name] = choice
        reconsiderFollowers(of: name)
        for other in displacing { reconsider(other, on: slot) }
    }

    /// The record that counts now.
    func record(_ key: RecordKey) -> FailureRecord? {
        records[key] ?? snapshot.failures[key.unit]?[key.scope]
    }

    /// What the record says of the unit's next run.
    func hold(_ unit: Unit, _ key: RecordKey) -> Hold {
        func attemptNow(_ assignment: Assignment) -> Int? {
            assignment.generation == unit.generation ? assignment.attempt : nil
        }
        guard !retried.contains(key) else { return .none }
        let attempt: Int?
        switch key.scope {
        case .fleet: attempt = (snapshot.assignments[unit.name] ?? [:]).values.compactMap(attemptNow).max()
        case .machine(let machine): attempt = snapshot.assignments[unit.name]?[machine].flatMap(attemptNow)
        }
        return Hold(
            record(key),
            generation: unit.generation,
            attempt: attempt,
            longest: unit.options.reschedule.maximumDelay,
            now: now
        )
    }

    /// Enters a failure of the present run of the unit on this machine, unless that was done before.
    mutating func noteFailure(_ unit: Unit, on slot: Int, _ key: RecordKey) {
        let machine = index.hosts[slot].id
        guard records[key] == nil,
            let assignment = snapshot.assignments[unit.name]?[machine],
            let status = snapshot.statuses[unit.name]?[machine],
            let failure = status.failure,
            let run = status.run, run == assignment.run, run.generation == unit.generation
        else { return }
        let old = snapshot.failures[unit.name]?[key.scope]
        guard old?.covers(run, on: machine) != true else { return }
        let failed = FailedRun(machine: machine, run: run, failure: failure)
        records[key] = unit.options.reschedule.record(failed, of: unit.name, after: old, now: now)
    }
}
