import FleetAgent
import FleetModel
import FleetRuntime
import UnitFile

/// The systemd of one machine: units with files, jobs that take time, programs that misbehave. It goes on whatever
/// becomes of fleetd, and ends with the machine.
///
/// Modelled on what was measured (start limit, automatic restarts that pass through states nobody needs to see, jobs
/// that replace each other); what fleet never asks for is left out.
final class SimSystemd {
    unowned let world: SimWorld
    let machine: Int
    unowned let checks: WorldChecks
    var random: SimRandom
    private(set) var units: [UnitName: SimUnit] = [:]
    /// Names that the machine has from elsewhere.
    private(set) var foreign: Set<UnitName> = []
    /// At-most-once units that may be started.
    private(set) var allowed: Set<UnitName> = []
    var connection: SystemdConnection?
    /// The machine's disk: volumes that hold data. It survives everything.
    private var disk: Set<VolumeName> = []
    /// Which volumes are looked at when a unit is at rest.
    private var watched: [UnitName: [VolumeName]] = [:]
    private var lastInvocation = 0

    /// systemd.unit(5): `DefaultStartLimitBurst=` and `DefaultStartLimitIntervalSec=`.
    private static let startLimit = 5
    private static let startLimitInterval = SimSpan.seconds(10)
    /// `TimeoutStartSec=` of every unit here.
    private static let startTimeout = SimSpan.seconds(10)

    init(world: SimWorld, machine: Int, checks: WorldChecks) {
        self.world = world
        self.machine = machine
        self.checks = checks
        random = world.random(.systemd, machine)
    }

    func end() {
        connection = nil
        units = [:]
    }

    // MARK: Files

    func install(_ name: UnitName, _ file: ContentHash, _ spec: UnitSpec, atMostOnce: Bool) {
        let unit = units[name] ?? SimUnit(name: name, file: file, spec: spec)
        unit.file = file
        unit.isGuarded = atMostOnce
        unit.isLoaded = spec.behaviour != .bad
        if !unit.hasProcess { unit.spec = spec }
        units[name] = unit
        changed(unit)
    }

    /// What runs from a removed file runs on, and nobody sees it any more.
    func remove(_ name: UnitName) {
        guard let unit = units[name] else { return }
        unit.file = nil
        if unit.isAtRest { units[name] = nil }
    }

    func resetFailed(_ name: UnitName) {
        guard let unit = units[name] else { return }
        unit.starts = []
        unit.restarts = 0
        if unit.state == .failed { set(unit, .dead) }
    }

    func setForeign(_ name: UnitName, _ isThere: Bool) {
        if isThere { foreign.insert(name) } else { foreign.remove(name) }
        connection?.unitFilesChanged()
    }

    // MARK: Observations

    func observation(of name: UnitName) -> UnitObservation? {
        guard let unit = units[name], var seen = unit.observation(allowed: allowed) else { return nil }
        if let volumes = watched[name], unit.isAtRest {
            seen.volumes = volumes.filter { disk.contains($0) && !world.has(.overlookData) }
        }
        return seen
    }

    var observations: [UnitName: UnitObservation] {
        Dictionary(uniqueKeysWithValues: units.keys.compactMap { name in observation(of: name).map { (name, $0) } })
    }

    func keepAnEye(on volumes: [VolumeName], of name: UnitName) {
        let new = volumes.isEmpty ? nil : volumes
        guard watched[name] != new else { return }
        watched[name] = new
        if units[name] != nil { connection?.markDirty(name) }
    }

    // MARK: Jobs

    /// Queues a job with mode `replace`: one of the same kind is joined, another one is cancelled.
    func enqueue(_ kind: SimUnit.Job.Kind, _ name: UnitName, then done: @escaping (String) -> Void) {
        guard let unit = units[name], unit.isLoaded || kind == .stop else { return done("failed") }
        if unit.job?.kind == kind {
            unit.job?.waiting.append(done)
            return
        }
        finish(unit, "canceled")
        unit.job = SimUnit.Job(kind: kind, waiting: [done])
        changed(unit)
        switch (kind, unit.state) {
        case (.start, .up), (.stop, .dead), (.stop, .failed): finish(unit, "done")
        case (.start, .starting), (.start, .stopping), (.stop, .stopping), (.restart, .stopping): break
        case (.start, _), (.restart, .dead), (.restart, .failed), (.restart, .waitingForRestart):
            begin(unit, byHand: true)
        case (.stop, .waitingForRestart):
            noteLoop(unit)
            set(unit, .dead)
            finish(unit, "done")
        case (.stop, _), (.restart, _): beginStop(unit)
        }
    }

    private func finish(_ unit: SimUnit, _ result: String) {
        guard let job = unit.job else { return }
        unit.job = nil
        changed(unit)
        for waiting in job.waiting { waiting(result) }
    }

    // MARK: Runs

    private func begin(_ unit: SimUnit, byHand: Bool) {
        // The condition of the unit's drop-in.
        guard !unit.isGuarded || allowed.contains(unit.name) else {
            set(unit, .dead)
            return finish(unit, "done")
        }
        unit.starts.removeAll { world.now.since($0) > Self.startLimitInterval }
        guard unit.starts.count < Self.startLimit else {
            if byHand { unit.result = "start-limit-hit" }
            set(unit, .failed)
            return finish(unit, "failed")
        }
        unit.starts.append(world.now)
        unit.restarts = byHand ? 0 : unit.restarts + 1
        if let file = unit.file, let spec = world.specs[file] { unit.spec = spec }
        lastInvocation += 1
        unit.invocation = "m\(machine)i\(lastInvocation)"
        unit.mainPID = Int32(100 + lastInvocation)
        (unit.result, unit.mainCode, unit.mainStatus) = ("success", 0, 0)
        let plan = RunPlan(unit.spec.behaviour, machine: machine, isHealed: world.phase == .healed, &random)
        set(unit, .starting)
        checks.runBegan(unit, on: machine)
        after(plan.startTakes ?? Self.startTimeout, unit) {
            guard plan.startTakes != nil else { return self.end(unit, "timeout", plan) }
            if plan.startFails { return self.end(unit, "exit-code", plan) }
            self.cameUp(unit, plan)
        }
    }

    private func cameUp(_ unit: SimUnit, _ plan: RunPlan) {
        if let volume = unit.spec.namedVolume, unit.spec.writesData {
            disk.insert(volume)
            checks.wrote(volume, by: unit.name, on: machine)
        }
        if plan.lives == .zero {
            end(unit, "success", plan)
            return
        }
        set(unit, .up)
        if unit.job?.kind != .stop { finish(unit, "done") }
        guard let lives = plan.lives else { return }
        after(lives, unit) {
            // What depends on luck goes well once everything is healed.
            if unit.spec.behaviour == .flaky, self.world.phase == .healed { return }
            self.end(unit, plan.endsInFailure ? "exit-code" : "success", plan)
        }
    }

    /// The main process has ended by itself, or was ended because it took too long.
    private func end(_ unit: SimUnit, _ result: String, _ plan: RunPlan) {
        unit.result = result
        unit.mainPID = 0
        switch result {
        case "success", "exit-code": (unit.mainCode, unit.mainStatus) = (1, result == "success" ? 0 : 1)
        default: (unit.mainCode, unit.mainStatus) = (2, 15)
        }
        guard result != "success" else {
            set(unit, .dead)
            return finish(unit, "done")
        }
        fail(unit, restartsAfter: plan.restartsAfter)
    }

    private func fail(_ unit: SimUnit, restartsAfter: SimSpan?) {
        guard let wait = restartsAfter else {
            set(unit, .failed)
            return finish(unit, "failed")
        }
        set(unit, .waitingForRestart)
        after(wait, unit) { self.begin(unit, byHand: false) }
    }

    private func beginStop(_ unit: SimUnit) {
        noteLoop(unit)
        let plan = RunPlan(unit.spec.behaviour, machine: machine, isHealed: true, &random)
        let isKilled = unit.isGuarded && plan.stopTakes > Self.longestGuardedStop
        set(unit, .stopping)
        after(isKilled ? Self.longestGuardedStop : plan.stopTakes, unit) {
            unit.mainPID = 0
            (unit.result, unit.mainCode, unit.mainStatus) = isKilled ? ("timeout", 2, 9) : ("success", 2, 15)
            self.set(unit, isKilled ? .failed : .dead)
            if unit.job?.kind == .stop { return self.finish(unit, "done") }
            if unit.job != nil { self.begin(unit, byHand: true) }
        }
    }

    /// A loop that systemd never ends is a failure for good, whoever ends it.
    private func noteLoop(_ unit: SimUnit) {
        if unit.restarts >= AgentLimits.crashLoopRestarts { checks.failedForGood(unit.name) }
    }

    /// The main process is killed from outside.
    func kill(_ name: UnitName) {
        guard let unit = units[name], unit.state == .up else { return }
        (unit.result, unit.mainCode, unit.mainStatus, unit.mainPID) = ("signal", 2, 9, 0)
        let plan = RunPlan(unit.spec.behaviour, machine: machine, isHealed: false, &random)
        fail(unit, restartsAfter: plan.restartsAfter)
    }

    private func after(_ span: SimSpan, _ unit: SimUnit, _ action: @escaping () -> Void) {
        let step = unit.step
        world.after(span) { if unit.step == step { action() } }
    }

    private func set(_ unit: SimUnit, _ state: SimUnit.State) {
        let hadProcess = unit.hasProcess
        unit.step += 1
        unit.state = state
        world.note { "m\(machine) systemd: \(unit.name) \(state) (\(unit.result), restarts \(unit.restarts))" }
        if hadProcess != unit.hasProcess { checks.copyChanged(unit, on: machine) }
        if state == .failed { checks.failedForGood(unit.name) }
        changed(unit)
        if unit.file == nil, unit.isAtRest { units[unit.name] = nil }
    }

    private func changed(_ unit: SimUnit) { connection?.markDirty(unit.name) }

    func allow(_ name: UnitName) {
        allowed.insert(name)
        if let unit = units[name] { changed(unit) }
    }

    func forbid(_ name: UnitName) {
        allowed.remove(name)
        if let unit = units[name] { changed(unit) }
    }

    /// The time that the drop-in of at-most-once units leaves them for a stop.
    private static let longestGuardedStop = SimSpan(FenceTiming(lease: SimOptions.agentTTL.duration).stop)

    /// Nothing is allowed any more, and what was is stopped by a job that waits for nobody.
    func fence() {
        allowed = []
        for name in units.keys.sorted() {
            guard let unit = units[name], unit.isGuarded else { continue }
            changed(unit)
            checks.fenced(name, on: machine)
            enqueue(.stop, name) { _ in }
        }
    }

    /// The machine loses its power: all units are gone, and what is kept under /run.
    func powerCut() {
        connection?.cut()
        connection = nil
        let running = units.values.filter(\.hasProcess).sorted { $0.name < $1.name }
        for unit in units.values { unit.step += 1 }
        units = [:]
        allowed = []
        for unit in running {
            unit.state = .dead
            checks.copyChanged(unit, on: machine)
        }
    }
}
