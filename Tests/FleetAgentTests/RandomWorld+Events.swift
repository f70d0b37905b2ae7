import FleetModel
import UnitFile

@testable import FleetAgent

extension RandomWorld {
    /// Something happens.
    mutating func tick() {
        now = now.advanced(by: .milliseconds([1, 20, 900, 5000, 70_000][roll(5)]))
        guard let unit = pick(Self.units) else { return }
        switch roll(20) {
        case 0...1: assign(unit)
        case 2: roll(2) == 0 ? bump(unit) : renew(unit)
        case 3: unassign(unit)
        case 4...8: finishOne()
        case 9: roll(3) == 0 ? answerJournal() : roll(2) == 0 ? answerCheck() : answerPull()
        case 10: crash(unit)
        case 11: stopByHand(unit)
        case 12: loop(unit)
        case 13: roll(2) == 0 ? disconnect() : connect()
        case 14: if roll(3) == 0 { restartFleetd() }
        case 15: toggleRegistry()
        case 16: toggleForeign(unit)
        case 17...18: reschedule(unit)
        default: ring()
        }
    }

    /// No more dice: everything that is due happens until nothing is.
    mutating func settleDown() {
        isRough = false
        connect()
        list()
        for unit in Self.units { observe(unit) }
        give(.unitFilesChanged)
        var rounds = 0
        // Health checks go on for ever; what they have found comes out soon.
        while rounds < 500,
            rounds < 20 || !pending.isEmpty || !journals.isEmpty || !pulls.isEmpty || !core.waits.isEmpty
        {
            rounds += 1
            now = now.advanced(by: .seconds(61))
            finishOne()
            answerJournal()
            answerCheck()
            answerPull()
            ring()
        }
        if rounds == 500 { problems.append("does not settle down") }
    }

    /// What must be so once nothing is due.
    mutating func audit() {
        for unit in Self.units {
            let has = systemd[unit]
            guard let wanted = assignments[unit] else {
                if has?.file != nil { problems.append("\(unit) is left over") }
                if statuses[unit] != nil { problems.append("\(unit) left a status") }
                if ledger[unit] != nil { problems.append("\(unit) left a ledger entry") }
                continue
            }
            if foreign.contains(unit) {
                if has?.file != wanted.file, refusals[unit] == nil, ledger[unit]?.failed?.run != wanted.run {
                    problems.append("\(unit) is not refused")
                }
                continue
            }
            if refusals[unit] != nil { problems.append("\(unit) is still refused") }
            let hasFailed = statuses[unit]?.failure != nil
            if !hasFailed, has?.file != wanted.file { problems.append("\(unit) has the wrong file") }
            if !hasFailed, has?.active == "failed", wanted.target == .launched {
                problems.append("the failure of \(unit) is not told")
            }
            if statuses[unit]?.settled != true { problems.append("\(unit) is not settled") }
            if statuses[unit]?.run != wanted.run { problems.append("\(unit) is at another run") }
            if !hasFailed, has?.active == "active", wanted.target == .launched, has?.configs ?? 0 < wanted.reload ?? 0 {
                problems.append("\(unit) has old configs")
            }
            if statuses[unit]?.active ?? "" != has?.active ?? "inactive" {
                problems.append("the status of \(unit) is old")
            }
        }
        for (unit, runs) in starts {
            for (run, count) in runs where count > 1 { problems.append("run \(run) of \(unit) started \(count) times") }
        }
        for (unit, runs) in reports {
            for (run, failures) in runs where failures.count > 1 {
                problems.append("run \(run) of \(unit) failed \(failures.count) times")
            }
        }
    }

    private mutating func tell(_ unit: UnitName) {
        if isListed { give(.assigned([unit: assignments[unit]])) }
    }

    private mutating func assign(_ unit: UnitName) {
        generation += 1
        let file = pick(Self.files) ?? fileA
        assignments[unit] =
            roll(4) == 0 ? .loaded(file, generation: generation) : .launched(file, generation: generation)
        if unit.type == .service, roll(2) == 0 {
            var check = HealthCheck(probe: .command("check"))
            check.retries = 1 + roll(2)
            check.restartsFirst = roll(2) == 0
            assignments[unit]?.health = check
        }
        if unit.type == .service, roll(2) == 0 {
            let image = ImagePull(name: "app:\(roll(2))")
            assignments[unit]?.image = image
        }
        tell(unit)
    }

    /// A newer generation of the same file, often with a restart.
    private mutating func bump(_ unit: UnitName) {
        guard var assignment = assignments[unit] else { return }
        generation += 1
        assignment.generation = generation
        assignment.attempt = 0
        if roll(2) == 0 { assignment.restart = generation }
        assignments[unit] = assignment
        tell(unit)
    }

    /// A config is set anew, of which the unit is told by a reload.
    private mutating func renew(_ unit: UnitName) {
        guard assignments[unit] != nil else { return }
        generation += 1
        assignments[unit]?.reload = generation
        tell(unit)
    }

    private mutating func unassign(_ unit: UnitName) {
        assignments[unit] = nil
        tell(unit)
    }

    /// The engine's answer to a failure that was told.
    private mutating func reschedule(_ unit: UnitName) {
        guard var assignment = assignments[unit], statuses[unit]?.failure != nil, statuses[unit]?.run == assignment.run
        else { return }
        assignment.attempt += 1
        assignments[unit] = assignment
        tell(unit)
    }

    private mutating func answerJournal() {
        guard !journals.isEmpty else { return }
        let (unit, run) = journals.remove(at: roll(journals.count))
        give(.journal(unit, run, lines: ["line"]))
    }

    /// Whether it is still waited for or not.
    private mutating func answerCheck() {
        guard !checks.isEmpty else { return }
        let (id, unit) = checks.remove(at: roll(checks.count))
        let bad: CheckResult = roll(4) == 0 ? .notRun(reason: "") : .unhealthy(output: "")
        give(.checked(id, unit, !isRough || roll(3) == 0 ? .healthy(output: "") : bad))
    }

    private mutating func answerPull() {
        guard !pulls.isEmpty else { return }
        let place = roll(pulls.count)
        let (id, unit, wanted) = pulls[place]
        if isRough, roll(3) == 0 { return give(.pulling(id, unit, note: "blob \(roll(3))")) }
        pulls.remove(at: place)
        switch isRough ? roll(4) : 0 {
        case 2: give(.pulled(id, unit, .failed(reason: "no such image")))
        case 3: give(.pulled(id, unit, .notRun(reason: "no systemd")))
        case let result:
            pulled[unit, default: []].insert(wanted)
            // A newer run takes over what an older one has asked for.
            if wanted.image.policy == .missing {
                let run = core.tracks[unit]?.desired?.run
                pulled[unit, default: []].insert(PulledRun(run: run, image: wanted.image))
            }
            give(.pulled(id, unit, result == 0 ? .present : .pulled(after: .seconds(1))))
        }
    }

    private mutating func crash(_ unit: UnitName) {
        guard systemd[unit]?.active == "active" else { return }
        fall(unit)
        observe(unit)
    }

    private mutating func stopByHand(_ unit: UnitName) {
        guard systemd[unit]?.active == "active" else { return }
        rest(unit)
        observe(unit)
    }

    /// systemd restarts it again and again.
    private mutating func loop(_ unit: UnitName) {
        guard systemd[unit]?.active == "active" else { return }
        for _ in 0..<roll(14) {
            guard systemd[unit]?.active == "active" || systemd[unit]?.active == "activating" else { return }
            systemd[unit]?.active = "activating"
            systemd[unit]?.sub = "auto-restart"
            systemd[unit]?.result = "exit-code"
            systemd[unit]?.restarts += 1
            now = now.advanced(by: .seconds(2))
            observe(unit)
            if pending.contains(where: { $0.operation == .stop(unit) }) { return }
        }
        systemd[unit]?.active = "active"
        systemd[unit]?.sub = "running"
        systemd[unit]?.result = "success"
        lastInvocation += 1
        systemd[unit]?.invocation = "i\(lastInvocation)"
        observe(unit)
    }

    private mutating func toggleRegistry() {
        if isListed {
            isListed = false
            give(.registryLost)
        } else {
            list()
        }
    }

    private mutating func toggleForeign(_ unit: UnitName) {
        if foreign.remove(unit) == nil, systemd[unit]?.file == nil { foreign.insert(unit) }
        if isConnected { give(.unitFilesChanged) }
    }

    private mutating func ring() {
        guard let at = wake else { return }
        now = max(now, at)
        wake = nil
        give(.wake)
    }
}
