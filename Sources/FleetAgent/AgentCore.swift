package import FleetModel
package import UnitFile

/// The agent's decisions: compares what the registry wants of this machine with what its systemd has, unit by unit.
///
/// - At most one operation per unit is in flight, any number of units at once; no unit waits for another.
/// - Every run (`Assignment.run`) is started once and its failure reported once, over restarts of fleetd too, by way of
///   the ledger.
/// - Nothing is stopped unless the registry's wish is known and up to date.
/// - One step leads to at most one operation per unit, and without news of a unit to none.
package struct AgentCore: Hashable, Sendable {
    package let machine: MachineID
    var tracks = TrackTable()
    var registry = RegistryKnowledge.unknown
    var isConnected = false
    /// Units that wait for an operation to be due again, and until when: an index over `tracks`.
    var waits: [UnitName: Timestamp] = [:]
    /// Units that wait for their next health check, and until when: an index over `tracks` too.
    var checks: [UnitName: Timestamp] = [:]
    var lastCheck: CheckID = 0
    var lastPull: PullID = 0
    private var lastOperation: OperationID = 0
    /// The wake that was asked for last and has not come.
    var alarm: Timestamp?

    package init(machine: MachineID, ledger: [UnitName: LedgerEntry]) {
        self.machine = machine
        for (unit, entry) in ledger { tracks[unit] = UnitTrack(unit: unit, ledger: entry) }
    }

    /// What is wanted of the unit here, as far as known.
    package func assignment(of unit: UnitName) -> Assignment? { tracks[unit]?.desired }

    /// Whether some unit is to be given just this here.
    package func hasUnit(with credential: Credential) -> Bool {
        tracks.units.contains { tracks[$0]?.desired?.credentials?.contains(credential) == true }
    }

    /// The unit that a service of this name reloads (`ReloadUnitName`).
    package func unit(reloadedBy name: UnitName) -> UnitName? {
        tracks.units.first { ReloadUnitName.name(for: $0) == name.description }
    }

    /// What `input` leads to.
    package mutating func step(_ input: AgentInput, now: Timestamp) -> [AgentDirective] { step([input], now: now) }

    /// What inputs that have come together lead to: what they ask for many units is asked for in one.
    package mutating func step(_ inputs: [AgentInput], now: Timestamp) -> [AgentDirective] {
        var round = Round(now: now)
        for input in inputs { take(input, &round) }
        for unit in round.dirty.sorted() { settle(unit, &round) }
        return round.notes + round.calls + batches(of: round) + nextAlarm()
    }

    /// What one step collects.
    struct Round {
        let now: Timestamp
        /// Units that something is new about.
        var dirty: Set<UnitName> = []
        var events: [UnitName: [UnitEvent]] = [:]
        /// What is written down, then what is asked of systemd and of its journal.
        var notes: [AgentDirective] = []
        var calls: [AgentDirective] = []
        /// Operations for many units at once: systemd refreshes its cache of unit paths once per change of the folder.
        var installs: (id: OperationID, units: [UnitInstallation])?
        var probes: (id: OperationID, units: [UnitName])?
    }

    /// Changes the track of `unit`, which is made when there is none.
    mutating func update(_ unit: UnitName, _ round: inout Round, _ change: (inout UnitTrack) -> Void) {
        round.dirty.insert(unit)
        var track = tracks[unit] ?? UnitTrack(unit: unit)
        change(&track)
        tracks[unit] = track
    }

    /// Appends to the unit's chain of causes.
    func tell(_ kind: UnitEvent.Kind, _ message: String, of unit: UnitName, _ round: inout Round) {
        let event = UnitEvent(at: round.now, unit: unit, kind: kind, machine: machine, message: message)
        round.events[unit, default: []].append(event)
    }

    /// Decides what is next for `unit`, and writes down what changed.
    private mutating func settle(_ unit: UnitName, _ round: inout Round) {
        guard var track = tracks.remove(unit) else { return }
        let isForgotten = isConnected && advance(&track, &round)
        if isForgotten { track.ledger = nil }
        tend(&track, &round)
        let hadLedger = track.remembered != nil
        if track.ledger != track.remembered {
            track.remembered = track.ledger
            round.notes.append(.remember(unit, track.ledger))
        }
        if let status = newStatus(of: track, now: round.now) {
            track.published = status
            round.notes.append(.publish(unit, status))
        } else if track.published != nil || (isForgotten && hadLedger), hasNoStatus(track) {
            // The ledger tells that an earlier fleetd may have published one.
            track.published = nil
            round.notes.append(.publish(unit, nil))
        }
        round.notes += (round.events[unit] ?? []).map(AgentDirective.record)
        if case .waiting(let until) = track.activity { waits[unit] = until } else { waits[unit] = nil }
        if !isForgotten { tracks[unit] = track }
    }

    /// Takes the steps that touch nothing, up to one that takes time. True when nothing is left to know of the unit.
    private mutating func advance(_ track: inout UnitTrack, _ round: inout Round) -> Bool {
        while true {
            switch track.activity {
            case .operating, .readingJournal: return false
            case .pulling(var flight):
                if let run = track.run(for: flight) {
                    flight.run = run
                    track.activity = .pulling(flight)
                    return false
                }
                round.calls.append(.endPull(flight.id))
                track.activity = .idle
            case .idle, .waiting: track.activity = .idle
            }
            switch track.nextStep(registry, now: round.now) {
            case .rest:
                track.tries = [:]
                // Only the refusal of its name is left.
                if track.desired == nil { track.ledger = nil }
                return false
            case .wait:
                return false
            case .carryOut(let assignment):
                if track.ledger?.carriedOut != nil, assignment.target == .launched, track.observed?.isRunning == true {
                    tell(.started, "already running; left as it is", of: track.unit, &round)
                }
                track.carryOut(assignment, byStart: false)
            case .fail(let run, let failure, let invocation):
                track.fail(run, failure, invocation: invocation)
            case .report(let failed):
                track.activity = .readingJournal(failed.run)
                round.calls.append(.readJournal(track.unit, failed.run, invocation: failed.invocation))
                return false
            case .lock:
                track.lock = .asked
                round.notes.append(.lock(track.unit))
            case .unlock:
                track.lock = .none
                round.notes.append(.unlock(track.unit))
            case .upToDate(let reload):
                track.ledger?.reload = reload
            case .fenced:
                track.lock = .uncertain
                if track.isCarriedOut {
                    track.ledger?.ended = track.desired?.run
                    let message = "stopped by the fence: this machine could no longer be sure of the unit's lock"
                    tell(.stopped, message, of: track.unit, &round)
                }
            case .perform(let operation):
                begin(operation, &track, &round)
                return false
            case .pull(let image, let run):
                pull(image, for: run, &track, &round)
                return false
            case .recover(let problem):
                recover(problem, &track, &round)
                begin(.restart(track.unit), &track, &round)
                return false
            case .endOld(let problem):
                let message = "\(problem); stopping it, though what replaces it has no image yet"
                if track.tries[.stop(track.unit)] == nil { tell(.failed, message, of: track.unit, &round) }
                begin(.stop(track.unit), &track, &round)
                return false
            case .forget:
                return true
            }
        }
    }

    /// Issues `operation`, unless it was tried before and has to wait.
    private mutating func begin(_ operation: UnitOperation, _ track: inout UnitTrack, _ round: inout Round) {
        let tries = track.tries[operation]
        if let tries {
            let due = tries.at.advanced(by: AgentLimits.retryDelay(after: tries.count))
            // A clock that was set back does not make the wait longer.
            guard due <= round.now || round.now < tries.at else {
                track.activity = .waiting(until: due)
                return
            }
        }
        track.tries[operation] = UnitTrack.Tries(count: (tries?.count ?? 0) + 1, at: round.now)
        if operation == .start(track.unit) || operation == .restart(track.unit), let run = track.desired?.run {
            var entry = track.ledger ?? .blank
            entry.starting = LedgerStart(run: run, invocation: track.observed?.invocation ?? "")
            track.ledger = entry
        }
        if operation == .stop(track.unit), track.desired == nil || track.hasOtherFile,
            let run = track.ledger?.carriedOut
        {
            track.ledger?.ended = run
        }
        let id = issue(operation, &round)
        track.activity = .operating(
            UnitTrack.Flight(id: id, operation: operation, assignment: track.desired, since: round.now)
        )
    }

    private mutating func issue(_ operation: UnitOperation, _ round: inout Round) -> OperationID {
        switch operation {
        case .install(let installations):
            let id = round.installs?.id ?? nextOperation()
            round.installs = (id, (round.installs?.units ?? []) + installations)
            return id
        case .probe(let units):
            let id = round.probes?.id ?? nextOperation()
            round.probes = (id, (round.probes?.units ?? []) + units)
            return id
        case .start, .restart, .reload, .stop, .remove, .resetFailed:
            let id = nextOperation()
            round.calls.append(.perform(id, operation))
            return id
        }
    }

    /// What is left to do of an operation when its turn comes: a lost connection ends all that was asked for before.
    /// nil when nothing is.
    package func remainder(_ id: OperationID, _ operation: UnitOperation) -> UnitOperation? {
        func isInFlight(_ unit: UnitName) -> Bool {
            guard case .operating(let flight)? = tracks[unit]?.activity else { return false }
            return flight.id == id
        }
        switch operation {
        case .install(let all):
            let rest = all.filter { isInFlight($0.unit) }
            return rest.isEmpty ? nil : .install(rest)
        case .probe(let all):
            let rest = all.filter(isInFlight)
            return rest.isEmpty ? nil : .probe(rest)
        case .start, .restart, .reload, .stop, .remove, .resetFailed:
            return operation.units.allSatisfy(isInFlight) ? operation : nil
        }
    }

    private mutating func nextOperation() -> OperationID {
        lastOperation += 1
        return lastOperation
    }

    private func batches(of round: Round) -> [AgentDirective] {
        var batches: [AgentDirective] = []
        if let installs = round.installs { batches.append(.perform(installs.id, .install(installs.units))) }
        if let probes = round.probes { batches.append(.perform(probes.id, .probe(probes.units))) }
        return batches
    }

    /// A wake for the earliest unit that waits, if it was not asked for yet.
    private mutating func nextAlarm() -> [AgentDirective] {
        guard isConnected, let earliest = [waits.values.min(), checks.values.min()].compactMap(\.self).min(),
            earliest != alarm
        else { return [] }
        alarm = earliest
        return [.wake(at: earliest)]
    }
}
