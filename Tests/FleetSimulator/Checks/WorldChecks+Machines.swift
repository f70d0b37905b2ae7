import FleetAgent
import FleetModel
import FleetRegistry
import UnitFile

/// What happens on the machines.
extension WorldChecks {
    /// How far one machine is with one unit's runs.
    struct RunTrack {
        /// The newest run that a start was asked for, when, and of which file.
        var run: RunID
        var at: SimTime
        /// systemd has answered that it is done.
        var isDone = false
    }

    /// A copy that is not assigned any more ends within this time, if its machine is healthy: noticing a broken watch
    /// (8 s), some calls that time out (5 s each), and the slowest stop (8 s).
    static let leftRunningBound = SimSpan.seconds(60)
    /// What an agent knows is no older than this: pauses and cuts may follow each other.
    static let oldestKnowledge = SimSpan.seconds(120)

    func copyChanged(_ unit: SimUnit, on machine: Int) {
        if unit.hasProcess {
            copies[unit.name, default: [:]][machine] = world.now
        } else {
            copies[unit.name]?[machine] = nil
        }
        // A copy from before the unit had AtMostOnce= has no lock, and does not count.
        if unit.hasProcess, unit.isGuarded {
            guarded[unit.name, default: []].insert(machine)
        } else {
            guarded[unit.name]?.remove(machine)
        }
        guard let all = guarded[unit.name], all.count > 1 else { return }
        let places = all.sorted().map { "m\($0)" }.joined(separator: " and ")
        world.find(.atMostOnce, "\(unit.name) runs on \(places)")
    }

    /// Units that run where nothing is wrong stay there, whatever becomes of the registry; and so do those of machines
    /// that lost their power together, until these are back.
    func checkMoves(_ events: [StoreEvent], _ writer: SimStore.Writer) {
        guard case .engine = writer, world.options.loss == 0 else { return }
        var gone: [(unit: UnitName, machine: SimMachine)] = []
        var came: Set<UnitName> = []
        for event in events {
            guard case .assignment(let id, let unit) = RegistryKey(event.key, in: keyspace) else { continue }
            if case .put(let entry) = event {
                if entry.created == entry.modified { came.insert(unit) }
            } else {
                gone.append((unit, machine(id)))
            }
        }
        for (unit, machine) in gone where came.contains(unit) && !hasAskedForMove(unit) && failures[unit] == nil {
            guard store.entries[RegistryKey.presence(machine.id).key(in: keyspace)] == nil else { continue }
            let isWell = machine.soundSince.map { world.now.since($0) > SimOptions.agentTTL * 2 } ?? false
            guard machine.isComing || (isWell && copies[unit]?[machine.index] != nil) else { continue }
            let why = machine.isComing ? "which comes back with the others" : "which is well"
            world.find(.movedInVain, "\(unit) is moved off m\(machine.index), \(why)")
        }
    }

    func failedForGood(_ unit: UnitName) { failures[unit, default: 0] += 1 }

    /// Called now and then.
    func lookAround() {
        for (unit, places) in copies.sorted(by: { $0.key < $1.key }) {
            for (machine, began) in places.sorted(by: { $0.key < $1.key }) where assignments[unit]?[machine] == nil {
                guard let healthy = machines[machine].healthySince else { continue }
                let gone = unassigned[Place(unit: unit, machine: machine)] ?? .start
                let since = max(began, healthy, gone)
                guard world.now.since(since) > Self.leftRunningBound else { continue }
                world.find(.leftRunning, "\(unit) runs on m\(machine), which should have ended it since \(since)")
            }
        }
    }

    // MARK: Operations

    /// The agent asks for an operation, knowing these assignments.
    func asked(_ operation: UnitOperation, knowing known: [UnitName: Assignment], _ machine: SimMachine) {
        lastOperation = world.now
        switch operation {
        case .stop(let unit): checkStop(of: unit, known[unit], machine)
        case .start(let unit): checkStart(of: unit, known[unit], machine)
        case .restart, .reload, .install, .remove, .resetFailed, .probe: break
        }
    }

    /// A unit that is wanted as it is and is well is not stopped.
    private func checkStop(of name: UnitName, _ known: Assignment?, _ machine: SimMachine) {
        guard let unit = machine.systemd.units[name], unit.state == .up, let file = unit.file,
            unit.restarts < AgentLimits.crashLoopRestarts
        else { return }
        if unit.spec.isSick(on: machine.index) { return failedForGood(name) }
        if let known, known.file == file, known.target == .launched {
            world.find(.disturbed, "\(name) is stopped on m\(machine.index), where it is wanted and well")
        }
        if let held = assignments[name]?[machine.index], held.assignment.file == file,
            held.assignment.target == .launched, world.now.since(held.since) > Self.oldestKnowledge
        {
            world.find(.disturbed, "\(name) is stopped on m\(machine.index), where it is wanted since \(held.since)")
        }
    }

    private func checkStart(of name: UnitName, _ known: Assignment?, _ machine: SimMachine) {
        guard let known else { return world.find(.disturbed, "\(name) is started on m\(machine.index) unasked") }
        let place = Place(unit: name, machine: machine.index)
        if let track = runs[place], track.run == known.run, track.isDone {
            world.find(.policy, "run \(known.run) of \(name) is started a second time on m\(machine.index)")
        }
        runs[place] = RunTrack(run: known.run, at: world.now)
        checkPolicy(name, known, machine)
    }

    /// The agent was told that the start it asked for is done. One that is not wanted any more by then counts for
    /// nothing: it is ended, and wanted again it is another.
    func started(_ unit: UnitName, on machine: Int) {
        guard assignments[unit]?[machine] != nil else { return }
        runs[Place(unit: unit, machine: machine)]?.isDone = true
    }

    /// A run that the fence has ended may be started again.
    func fenced(_ unit: UnitName, on machine: Int) { runs[Place(unit: unit, machine: machine)] = nil }

    func rebooted(_ machine: Int) {
        for place in runs.keys where place.machine == machine { runs[place] = nil }
    }

    func forgetRuns(of unit: UnitName) {
        for place in runs.keys where place.unit == unit { runs[place] = nil }
        began[unit] = nil
    }

    /// Tries after failures come no earlier and no more often than the unit file says.
    private func checkPolicy(_ name: UnitName, _ known: Assignment, _ machine: SimMachine) {
        guard let spec = world.specs[known.file], !spec.isGlobal else { return }
        let attempt = known.attempt
        // A clock that is set forward by hours makes failures old.
        if spec.limit > 0, attempt >= spec.limit, (world.options.faults[.clockStep] ?? 0) == 0 {
            world.find(.policy, "\(name) is tried for the \(attempt + 1). time; its limit is \(spec.limit)")
        }
        guard let last = began[name], last.run.generation == known.generation else {
            began[name] = (known.run, world.now)
            return
        }
        guard attempt > last.run.attempt else { return }
        began[name] = (known.run, world.now)
        let areClocksExact =
            world.options.drift == 0 && (world.options.faults[.clockStep] ?? 0) == 0
            && world.options.clockOffset == .zero
        guard areClocksExact, attempt >= 2, attempt == last.run.attempt + 1 else { return }
        let doubled = spec.delaySeconds << min(attempt - 2, 10)
        let wait = SimSpan.seconds(Int64(min(doubled, spec.longestDelaySeconds)))
        if world.now.since(last.at) < wait {
            world.find(
                .policy,
                "try \(attempt + 1) of \(name) came \(world.now.since(last.at)) after the last, not \(wait)"
            )
        }
    }

    // MARK: Load

    /// What one machine's fleetd does in a minute of virtual time.
    struct Load {
        var minute: Int64 = 0
        var commits = 0
        var calls = 0
        var operations = 0
    }

    /// The most that a machine may do in a minute. Far above what a busy minute of users and faults needs (measured
    /// over 24,000 seeds; eight units that flap all the time have come to 901 calls), far below what a loop without a
    /// wait does.
    private static let most = Load(minute: 0, commits: 600, calls: 1500, operations: 600)

    func commitTried(by machine: Int) { count(machine) { $0.commits += 1 } }
    func readTried(by machine: Int) { count(machine) { $0.calls += 1 } }
    func performed(_ operation: UnitOperation, on machine: Int) {
        count(machine) { $0.operations += 1 }
        // Moved away, and perhaps back one day, under the same run.
        if case .remove(let unit) = operation { runs[Place(unit: unit, machine: machine)] = nil }
    }
    func runBegan(_ unit: SimUnit, on machine: Int) { checkData(of: unit, on: machine) }

    private func count(_ machine: Int, _ body: (inout Load) -> Void) {
        let minute = world.now.microseconds / 60_000_000
        var load = loads[machine] ?? Load()
        if load.minute != minute { load = Load(minute: minute) }
        body(&load)
        loads[machine] = load
        busiest.commits = max(busiest.commits, load.commits)
        busiest.calls = max(busiest.calls, load.calls)
        busiest.operations = max(busiest.operations, load.operations)
        if load.commits > Self.most.commits || load.calls > Self.most.calls || load.operations > Self.most.operations {
            world.find(.hotLoop, "m\(machine) in one minute: \(load)")
        }
    }
}
