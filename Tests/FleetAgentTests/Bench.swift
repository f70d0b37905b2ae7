import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// One agent's core on the bench: inputs go in by short names, directives come out as lines of text.
struct Bench {
    static let machine = machineID("0123456789abcdef0123456789abcdef")
    static let start = Timestamp(milliseconds: 1_000_000)

    var core: AgentCore
    var now = Bench.start
    /// The operations that were asked for and have not ended, by unit.
    var flights: [UnitName: (id: OperationID, operation: UnitOperation)] = [:]
    /// The newest check that was asked for and not answered, by unit.
    var checks: [UnitName: CheckID] = [:]
    /// The newest pull that was asked for and neither answered nor ended, by unit.
    var pulls: [UnitName: PullID] = [:]
    /// What was remembered last, as a ledger on disk would have it.
    var ledger: [UnitName: LedgerEntry] = [:]

    init(ledger: [UnitName: LedgerEntry] = [:]) {
        core = AgentCore(machine: Bench.machine, ledger: ledger)
        self.ledger = ledger
    }

    /// A bench with nothing on it, connected to systemd and with an empty list of assignments.
    static func ready() -> Bench {
        var bench = Bench()
        _ = bench.step(.connected([:]))
        _ = bench.step(.listed(assignments: [:], refusals: [:]))
        return bench
    }

    mutating func step(_ input: AgentInput, after wait: Duration = .zero) -> [String] {
        now = now.advanced(by: wait)
        var directives = core.step(input, now: now)
        directives.removeAll { isOnlyAnnounced($0) }
        for directive in directives {
            switch directive {
            case .perform(let id, let operation):
                for unit in operation.units {
                    #expect(flights[unit] == nil, "two operations in flight for \(unit)")
                    flights[unit] = (id, operation)
                    if operation == .start(unit) || operation == .restart(unit) {
                        #expect(ledger[unit]?.starting != nil, "\(unit) is started without a word in the ledger")
                    }
                }
            case .remember(let unit, let entry): ledger[unit] = entry
            case .check(let id, let unit, _, _):
                #expect(checks[unit] == nil, "two checks in flight for \(unit)")
                checks[unit] = id
            case .pull(let id, let unit, _):
                #expect(pulls[unit] == nil, "two pulls under way for \(unit)")
                pulls[unit] = id
            case .endPull(let id): pulls = pulls.filter { $0.value != id }
            case .publish, .record, .refuse, .readJournal, .lock, .unlock, .wake: break
            }
        }
        return directives.map { Bench.line($0, now) }
    }

    /// True for a ledger entry that differs by the start or the end it announces only: every start has one, and every
    /// stop of what is not wanted, which would only make the scripts longer.
    private mutating func isOnlyAnnounced(_ directive: AgentDirective) -> Bool {
        guard case .remember(let unit, var entry?) = directive, entry.starting != nil || entry.ended != nil else {
            return false
        }
        ledger[unit, default: .blank].starting = entry.starting
        ledger[unit, default: .blank].ended = entry.ended
        (entry.starting, entry.ended) = (nil, nil)
        var known = ledger[unit]
        known?.starting = nil
        known?.ended = nil
        return known == entry
    }

    mutating func assign(_ unit: UnitName, _ assignment: Assignment?) -> [String] {
        step(.assigned([unit: assignment]))
    }

    /// Ends the operation in flight for `unit`: the observation first, then the result.
    mutating func end(
        _ unit: UnitName,
        _ result: OperationResult = .done,
        as observation: UnitObservation?,
        after wait: Duration = .zero
    ) -> [String] {
        now = now.advanced(by: wait)
        guard let flight = flights[unit] else {
            Issue.record("nothing in flight for \(unit)")
            return []
        }
        for unit in flight.operation.units { flights[unit] = nil }
        var lines = step(.observed(unit, observation))
        lines += step(.finished(flight.id, [unit: result]))
        return lines
    }

    /// Brings `unit` to where its newest assignment is active, or to `target` otherwise.
    mutating func run(_ unit: UnitName, _ assignment: Assignment, invocation: String = "i1") {
        _ = assign(unit, assignment)
        _ = end(unit, as: .dead(assignment.file))
        if assignment.target == .launched { _ = end(unit, as: .running(assignment.file, invocation)) }
    }

    /// fleetd starts again: all that is left is the ledger.
    mutating func restart() {
        core = AgentCore(machine: Bench.machine, ledger: ledger)
        (flights, checks, pulls) = ([:], [:], [:])
    }

    static func line(_ directive: AgentDirective, _ now: Timestamp) -> String {
        switch directive {
        case .perform(_, let operation): return "perform " + text(operation)
        case .publish(let unit, nil): return "publish \(unit) gone"
        case .publish(let unit, let status?):
            var line = "publish \(unit) \(status.active)/\(status.sub) \(status.run?.description ?? "-")"
            if status.settled { line += " settled" }
            if let health = status.health {
                line += " \(health.state.rawValue)"
                if health.failures > 0 { line += " \(health.failures)/\(health.retries)" }
                if !health.output.isEmpty { line += " '\(health.output)'" }
            }
            if let pull = status.pull { line += (pull.hasFailed ? " not pulled: " : " pulling: ") + pull.note }
            if let failure = status.failure { line += " failed \(failure.cause.rawValue): \(failure.message)" }
            return line
        case .record(let event):
            let lines = (event.journal ?? []).map { " | \($0)" }.joined()
            return "event \(event.unit) \(event.kind.rawValue): \(event.message)\(lines)"
        case .refuse(let unit, let refusal): return "refuse \(unit) \(refusal?.reason ?? "no more")"
        case .readJournal(let unit, let run, let invocation): return "journal \(unit) \(run) [\(invocation)]"
        case .remember(let unit, nil): return "forget \(unit)"
        case .remember(let unit, let entry?):
            var line = "remember \(unit) \(entry.carriedOut?.description ?? "-") \(entry.target.rawValue)"
            if entry.restart != 0 { line += " restart \(entry.restart)" }
            if let healed = entry.healed { line += " healed \(healed)" }
            if let reload = entry.reload { line += " reload \(reload)" }
            if let failed = entry.failed { line += " failed \(failed.run)" + (failed.isReported ? " reported" : "") }
            return line
        case .check(_, let unit, _, _): return "check \(unit)"
        case .pull(_, let unit, let image): return "pull \(unit) \(image.name)"
        case .endPull: return "end the pull"
        case .lock(let unit): return "lock \(unit)"
        case .unlock(let unit): return "unlock \(unit)"
        case .wake(let at): return "wake in \(at.since(now).milliseconds) ms"
        }
    }

    static func text(_ operation: UnitOperation) -> String {
        let verb =
            switch operation {
            case .install: "install"
            case .start: "start"
            case .restart: "restart"
            case .reload(_, let names): "reload [\(names.map(\.description).joined(separator: " "))] of"
            case .stop: "stop"
            case .remove: "remove"
            case .resetFailed: "resetFailed"
            case .probe: "probe"
            }
        return verb + " " + operation.units.map(\.description).joined(separator: " ")
    }
}

func machineID(_ text: String) -> MachineID {
    guard let id = MachineID(text) else { preconditionFailure("\(text) is not a machine id") }
    return id
}

extension UnitName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) {
        guard let name = try? UnitName(text) else { preconditionFailure("\(text) is not a unit name") }
        self = name
    }
}

let fileA = ContentHash(of: "a")
let fileB = ContentHash(of: "b")

extension Assignment {
    static func launched(
        _ file: ContentHash = fileA,
        generation: Generation = 1,
        attempt: Int = 0,
        restart: Generation = 0
    ) -> Assignment {
        Assignment(
            file: file,
            target: .launched,
            generation: generation,
            restart: restart,
            attempt: attempt,
            atMostOnce: false,
            epoch: .zero,
            reason: "least loaded",
            at: Bench.start
        )
    }

    static func loaded(_ file: ContentHash = fileA, generation: Generation = 1) -> Assignment {
        var assignment = launched(file, generation: generation)
        assignment.target = .loaded
        return assignment
    }
}

extension UnitObservation {
    static func state(
        _ active: String,
        _ sub: String,
        _ file: ContentHash? = fileA,
        _ change: (inout UnitObservation) -> Void = { _ in }
    ) -> UnitObservation {
        var observation = UnitObservation(
            loadState: "loaded",
            activeState: active,
            subState: sub,
            result: "success",
            file: file
        )
        change(&observation)
        return observation
    }

    static func dead(_ file: ContentHash? = fileA, _ invocation: String = "") -> UnitObservation {
        state("inactive", "dead", file) { $0.invocation = invocation }
    }

    static func running(_ file: ContentHash? = fileA, _ invocation: String = "i1") -> UnitObservation {
        state("active", "running", file) {
            $0.invocation = invocation
            $0.mainPID = 100
        }
    }

    static func failed(
        _ file: ContentHash? = fileA,
        result: String = "exit-code",
        code: Int32 = 1,
        status: Int32 = 3,
        invocation: String = "i1"
    ) -> UnitObservation {
        state("failed", "failed", file) {
            $0.result = result
            $0.mainCode = code
            $0.mainStatus = status
            $0.invocation = invocation
        }
    }
}
