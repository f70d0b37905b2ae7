import FleetModel
import UnitFile

@testable import FleetAgent

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// A systemd and a registry made of dice, around one real agent's core. `problems` collects every broken promise.
struct RandomWorld {
    /// One unit as the simulated systemd has it.
    struct Simulated {
        var file: ContentHash?
        var active = "inactive"
        var sub = "dead"
        var result = "success"
        var restarts: UInt32 = 0
        var invocation = ""
        var mainCode: Int32 = 0
        /// `Assignment.reload` of the configs that it has.
        var configs: Generation = 0

        var observation: UnitObservation? {
            guard let file else { return nil }
            return UnitObservation(
                loadState: "loaded",
                activeState: active,
                subState: sub,
                result: result,
                mainCode: mainCode,
                mainStatus: mainCode,
                restarts: restarts,
                invocation: invocation,
                file: file
            )
        }

        var isHealthy: Bool { active == "active" }
    }

    struct PulledRun: Hashable {
        var run: RunID?
        var image: ImagePull
    }

    struct Pending {
        var id: OperationID
        var operation: UnitOperation
        /// The run that the agent acts for.
        var run: RunID?
    }

    var random: SeededGenerator
    var core: AgentCore
    var now = Bench.start
    var systemd: [UnitName: Simulated] = [:]
    var foreign: Set<UnitName> = []
    var assignments: [UnitName: Assignment] = [:]
    var refusals: [UnitName: Refusal] = [:]
    var isConnected = false
    var isListed = false
    var pending: [Pending] = []
    var checks: [(CheckID, UnitName)] = []
    var journals: [(UnitName, RunID)] = []
    var pulls: [(PullID, UnitName, PulledRun)] = []
    /// What each unit's image was found or put there for.
    var pulled: [UnitName: Set<PulledRun>] = [:]
    var ledger: [UnitName: LedgerEntry] = [:]
    var statuses: [UnitName: UnitStatus] = [:]
    var wake: Timestamp?
    var generation: Generation = 0
    var lastInvocation = 0
    /// How often each run was really started by the agent, and its failure told.
    var starts: [UnitName: [RunID: Int]] = [:]
    var reports: [UnitName: [RunID: Set<UnitFailure>]] = [:]
    var operations = 0
    var problems: [String] = []
    /// Off while the world settles down.
    var isRough = true
    /// Prints every input and what came of it, to look at one seed.
    var isTraced = false

    static let units: [UnitName] = ["a.service", "b.service", "c.service", "d.socket", "e.timer"]
    static let files = [fileA, fileB, ContentHash(of: "c")]

    init(seed: UInt64) {
        random = SeededGenerator(state: seed)
        core = AgentCore(machine: Bench.machine, ledger: [:])
    }

    mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }

    mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }

    // MARK: the agent

    mutating func give(_ input: AgentInput) {
        let before = core
        let directives = core.step(input, now: now)
        if isTraced {
            print("<- \(input)")
            for directive in directives { print("     ", Bench.line(directive, now)) }
        }
        var again = before
        if again.step(input, now: now) != directives { problems.append("two answers to \(input)") }
        var busy: [UnitName: Int] = [:]
        for directive in directives { follow(directive, &busy) }
        for (unit, count) in busy where count > 1 { problems.append("\(count) operations for \(unit) in one step") }
    }

    private mutating func follow(_ directive: AgentDirective, _ busy: inout [UnitName: Int]) {
        switch directive {
        case .perform(let id, let operation):
            operations += 1
            for unit in operation.units {
                busy[unit, default: 0] += 1
                if pending.contains(where: { $0.operation.units.contains(unit) }) {
                    problems.append("\(Bench.text(operation)) while another operation is in flight")
                }
            }
            if case .stop(let unit) = operation { checkStop(of: unit) }
            if case .start(let unit) = operation { checkImage(of: unit) }
            var run = operation.units.first.flatMap { core.tracks[$0]?.desired?.run }
            if case .restart(let unit) = operation, let healed = ledger[unit]?.healed, healed == run {
                checkHealing(of: unit)
                // The same run goes on.
                run = nil
            } else if case .restart(let unit) = operation {
                checkImage(of: unit)
            }
            pending.append(Pending(id: id, operation: operation, run: run))
        case .publish(let unit, let status):
            if let status, let old = statuses[unit], status.saysTheSame(as: old) {
                problems.append("\(unit): no news published")
            }
            statuses[unit] = status
            if let status, let run = status.run, let failure = status.failure {
                reports[unit, default: [:]][run, default: []].insert(failure)
            }
        case .refuse(let unit, let refusal): refusals[unit] = refusal
        case .readJournal(let unit, let run, _): journals.append((unit, run))
        case .remember(let unit, let entry): ledger[unit] = entry
        case .check(let id, let unit, _, _): checks.append((id, unit))
        case .pull(let id, let unit, let image):
            pulls.append((id, unit, PulledRun(run: core.tracks[unit]?.desired?.run, image: image)))
        // Some answer all the same.
        case .endPull(let id): if roll(2) == 0 { pulls.removeAll { $0.0 == id } }
        case .wake(let at): wake = at
        case .record, .lock, .unlock: break
        }
    }

    /// A unit that is wanted as it is and healthy is not stopped, and none while the registry is not known.
    private mutating func checkStop(of unit: UnitName) {
        if !isListed { problems.append("\(unit) stopped without a registry") }
        guard let wanted = assignments[unit], let has = systemd[unit], wanted.target == .launched else { return }
        // A loop that was found and is being ended may show an up unit for a moment.
        if let failed = ledger[unit]?.failed, failed.run == wanted.run,
            [.crashLoop, .unhealthy].contains(failed.failure.cause)
        {
            return
        }
        if has.isHealthy, has.file == wanted.file { problems.append("healthy \(unit) stopped") }
    }

    /// No unit is started before its image is there.
    private mutating func checkImage(of unit: UnitName) {
        guard let desired = core.tracks[unit]?.desired, let image = desired.image else { return }
        if pulled[unit]?.contains(PulledRun(run: desired.run, image: image)) != true {
            problems.append("\(unit) started without its image")
        }
    }

    /// A unit is restarted for its health where its file means to restart, and never by an old word of the registry's.
    private mutating func checkHealing(of unit: UnitName) {
        if !isListed { problems.append("\(unit) restarted without a registry") }
        guard let desired = assignments[unit] else { return }
        if desired.health?.restartsFirst != true { problems.append("\(unit) restarted for nothing") }
    }

    // MARK: systemd

    mutating func observe(_ unit: UnitName) {
        guard isConnected else { return }
        give(.observed(unit, systemd[unit]?.observation))
    }

    mutating func launch(_ unit: UnitName, for run: RunID?) {
        guard systemd[unit]?.file != nil else { return }
        lastInvocation += 1
        systemd[unit]?.invocation = "i\(lastInvocation)"
        systemd[unit]?.active = "active"
        systemd[unit]?.sub = "running"
        systemd[unit]?.result = "success"
        systemd[unit]?.restarts = 0
        systemd[unit]?.mainCode = 0
        systemd[unit]?.configs = assignments[unit]?.reload ?? 0
        if let run { starts[unit, default: [:]][run, default: 0] += 1 }
    }

    mutating func fall(_ unit: UnitName) {
        systemd[unit]?.active = "failed"
        systemd[unit]?.sub = "failed"
        systemd[unit]?.result = "exit-code"
        systemd[unit]?.mainCode = 1
    }

    mutating func rest(_ unit: UnitName) {
        systemd[unit]?.active = "inactive"
        systemd[unit]?.sub = "dead"
    }

    /// What systemd makes of an operation.
    mutating func apply(_ item: Pending) -> [UnitName: OperationResult] {
        var results: [UnitName: OperationResult] = [:]
        let fails = isRough && roll(6) == 0
        let problem = OperationResult.failed(OperationFailure(kind: .job(result: "failed"), message: "dice"))
        switch item.operation {
        case .install(let installations):
            for item in installations {
                if foreign.contains(item.unit) {
                    results[item.unit] = .nameTaken(path: "/etc/\(item.unit)")
                } else if isRough, roll(8) == 0 {
                    results[item.unit] = .failed(OperationFailure(kind: .badUnit, message: "dice"))
                } else {
                    systemd[item.unit, default: Simulated()].file = item.file
                    results[item.unit] = .done
                }
            }
        case .start(let unit), .restart(let unit):
            launch(unit, for: item.run)
            if fails { fall(unit) }
            results[unit] = fails && roll(2) == 0 ? problem : .done
        case .reload(let unit, _):
            let isUp = systemd[unit]?.active == "active"
            if isUp { systemd[unit]?.configs = assignments[unit]?.reload ?? 0 }
            results[unit] = fails || !isUp ? problem : .done
        case .stop(let unit):
            if !fails || systemd[unit]?.active == "failed" { rest(unit) }
            results[unit] = fails ? problem : .done
        case .remove(let unit):
            if !fails { systemd[unit] = nil }
            results[unit] = fails ? problem : .done
        case .resetFailed(let unit):
            if !fails, systemd[unit]?.active == "failed" { rest(unit) }
            results[unit] = fails ? problem : .done
        case .probe(let units):
            for unit in units { results[unit] = foreign.contains(unit) ? .nameTaken(path: "/etc/\(unit)") : .done }
        }
        return results
    }

    mutating func finishOne() {
        guard isConnected, !pending.isEmpty else { return }
        let item = pending.remove(at: roll(pending.count))
        let results = apply(item)
        for unit in item.operation.units { observe(unit) }
        // Now and then the service could not carry it out and does not know.
        let isUnknown = isRough && roll(15) == 0
        give(.finished(item.id, isUnknown ? results.mapValues { _ in .unknown } : results))
    }

    /// The connection breaks: what was in flight was done, or was not, and nobody says.
    mutating func disconnect() {
        guard isConnected else { return }
        isConnected = false
        give(.disconnected)
        for item in pending where roll(2) == 0 { _ = apply(item) }
        pending = []
    }

    mutating func connect() {
        guard !isConnected else { return }
        isConnected = true
        give(.connected(systemd.compactMapValues { $0.observation }))
    }

    /// fleetd dies and comes back: what was in flight was done, or was not, and nobody says.
    mutating func restartFleetd() {
        for item in pending where roll(2) == 0 { _ = apply(item) }
        pending = []
        journals = []
        checks = []
        pulls = []
        wake = nil
        isConnected = false
        isListed = false
        statuses = [:]
        core = AgentCore(machine: Bench.machine, ledger: ledger)
        if roll(2) == 0 {
            connect()
            list()
        } else {
            list()
            connect()
        }
    }

    mutating func list() {
        isListed = true
        give(.listed(assignments: assignments, refusals: refusals))
    }
}
