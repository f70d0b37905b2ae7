import FleetModel
import UnitFile

extension AgentCore {
    /// Takes note of what an operation led to. What is next follows from the facts, not from here.
    mutating func finish(_ id: OperationID, _ result: OperationResult, of unit: UnitName, _ round: inout Round) {
        guard var track = tracks[unit], case .operating(let flight) = track.activity, flight.id == id else { return }
        round.dirty.insert(unit)
        track.activity = .idle
        track.tries[flight.operation]?.at = round.now
        track.presence = UnitTrack.Presence(track.observed)
        switch flight.operation {
        case .install: installed(result, flight, &track, &round)
        case .start, .restart: started(result, flight, &track, &round)
        case .reload: reloaded(result, flight, &track, &round)
        case .stop: stopped(result, flight, &track, &round)
        case .remove: removed(result, flight, &track, &round)
        // The listing that follows says whether it helped; if not, it is tried again with the delay of every retry.
        case .resetFailed: break
        case .probe: probed(result, &track, &round)
        }
        tracks[unit] = track
    }

    private func installed(
        _ result: OperationResult,
        _ flight: UnitTrack.Flight,
        _ track: inout UnitTrack,
        _ round: inout Round
    ) {
        guard let assignment = flight.assignment else { return }
        switch result {
        case .done:
            guard let observed = track.observed, observed.hasFiles(of: assignment), !observed.isLoaded,
                !observed.isRunning
            else { return }
            let problem = observed.loadError.isEmpty ? "" : ": \(observed.loadError)"
            let message = "systemd does not accept the unit file (LoadState: \(observed.loadState))\(problem)"
            let failure = UnitFailure(cause: .badUnit, message: message, at: round.now)
            track.fail(assignment.run, failure, invocation: "")
        case .failed(let failure): refuseToRun(failure, flight, &track, &round)
        case .nameTaken(let path):
            let reason = "\(track.unit) exists at \(path), which is not fleet's"
            if case .taken(let refusal, _) = track.claim, refusal.reason == reason {
                track.claim = .taken(refusal, isDue: false)
                return
            }
            let refusal = Refusal(reason: reason, at: round.now)
            track.claim = .taken(refusal, isDue: false)
            round.notes.append(.refuse(track.unit, refusal))
            tell(.refused, reason, of: track.unit, &round)
        case .unknown: return
        }
    }

    private func started(
        _ result: OperationResult,
        _ flight: UnitTrack.Flight,
        _ track: inout UnitTrack,
        _ round: inout Round
    ) {
        guard let assignment = flight.assignment else { return }
        switch result {
        case .done where track.observed?.isAllowed == false && track.observed?.isAtRest == true:
            // The fence came down on the way, and systemd has not started it: the lock is asked for again.
            track.lock = .uncertain
            track.tries = [:]
        case .done:
            track.carryOut(assignment)
            if let message = Self.sentence(forStartOf: track, flight) {
                tell(.started, message, of: track.unit, &round)
            }
        case .failed(let failure):
            guard case .job(let word) = failure.kind else {
                refuseToRun(failure, flight, &track, &round)
                return
            }
            track.carryOut(assignment)
            if word == "canceled" {
                tell(.stopped, "the start was cancelled outside fleet", of: track.unit, &round)
            } else {
                judge(failure, word, flight, assignment, &track, round.now)
            }
        case .nameTaken, .unknown: return
        }
    }

    /// A start job failed. The unit's own state says more than the job's result, if it has failed; if systemd is still
    /// at work (an automatic restart), nothing has failed for good.
    private func judge(
        _ problem: OperationFailure,
        _ word: String,
        _ flight: UnitTrack.Flight,
        _ assignment: Assignment,
        _ track: inout UnitTrack,
        _ now: Timestamp
    ) {
        guard let observed = track.observed, !observed.isRunning, !observed.isStopping, !observed.hasJob else {
            return
        }
        // The fence was quicker. That is no failure of the unit's.
        guard observed.isAllowed != false else { return }
        let isOwn = observed.hasFailed && word != "dependency"
        let failure =
            isOwn
            ? FailureReading.failure(of: observed, starting: now.since(flight.since), now: now)
            : FailureReading.failure(ofJob: word, message: problem.message, now: now)
        track.fail(assignment.run, failure, invocation: isOwn ? observed.invocation : "")
    }

    /// A reload that the unit has not taken is not repeated: it goes on as it is, and systemd has said so. What could
    /// not be tried is tried again.
    private func reloaded(
        _ result: OperationResult,
        _ flight: UnitTrack.Flight,
        _ track: inout UnitTrack,
        _ round: inout Round
    ) {
        // What has ended meanwhile is started with the newest.
        guard let assignment = flight.assignment, track.isCarriedOut, track.observed?.isUp == true else { return }
        switch result {
        case .done:
            track.ledger?.reload = assignment.reload
            track.tries[flight.operation] = nil
            tell(.reloaded, "reloaded, with its configs and secrets as they are now", of: track.unit, &round)
        case .failed(let problem) where problem.isPassing:
            complain("reloaded", result, flight, track, &round)
        case .failed(let problem):
            track.ledger?.reload = assignment.reload
            track.tries[flight.operation] = nil
            tell(.failed, "could not be reloaded, and goes on as it is: \(problem.message)", of: track.unit, &round)
        case .nameTaken, .unknown: return
        }
    }

    private func stopped(
        _ result: OperationResult,
        _ flight: UnitTrack.Flight,
        _ track: inout UnitTrack,
        _ round: inout Round
    ) {
        guard case .done = result else {
            complain("stopped", result, flight, track, &round)
            return
        }
        // While its image is lacking, it was stopped for another reason, which was told.
        guard let desired = track.desired, track.failure == nil, track.lackingImage(desired) == nil else { return }
        if track.observed?.hasFiles(of: desired) != true {
            tell(.stopped, "stopped, because its unit file changed", of: track.unit, &round)
        } else if desired.target == .loaded {
            tell(.stopped, "stopped, because its target state is loaded", of: track.unit, &round)
        }
    }

    private func removed(
        _ result: OperationResult,
        _ flight: UnitTrack.Flight,
        _ track: inout UnitTrack,
        _ round: inout Round
    ) {
        guard case .done = result else {
            complain("removed", result, flight, track, &round)
            return
        }
        let wasStopped = track.tries[.stop(track.unit)] != nil
        let message = (wasStopped ? "stopped and removed" : "removed") + ": not assigned to this machine"
        tell(.stopped, message, of: track.unit, &round)
    }

    private func probed(_ result: OperationResult, _ track: inout UnitTrack, _ round: inout Round) {
        guard case .taken(let refusal, _) = track.claim else { return }
        switch result {
        case .done:
            track.claim = .free
            round.notes.append(.refuse(track.unit, nil))
        case .nameTaken: track.claim = .taken(refusal, isDue: false)
        // Still due: tried again with the delay of every retry.
        case .failed, .unknown: return
        }
    }

    /// An operation that the run needs was turned down: passing trouble is tried again, anything else ends the run.
    private func refuseToRun(
        _ problem: OperationFailure,
        _ flight: UnitTrack.Flight,
        _ track: inout UnitTrack,
        _ round: inout Round
    ) {
        guard let run = flight.assignment?.run else { return }
        let cause: FailureCause
        switch problem.kind {
        case .badUnit: cause = .badUnit
        case _ where problem.isPassing:
            complain("started", .failed(problem), flight, track, &round)
            return
        case .bus(let name): cause = OperationResult.badUnitErrors.contains(name) ? .badUnit : .other
        case .job, .credentials: cause = .other
        }
        let failure = UnitFailure(cause: cause, message: problem.message, at: round.now)
        track.fail(run, failure, invocation: "")
    }

    /// Tells, once, why something does not happen yet.
    private func complain(
        _ what: String,
        _ result: OperationResult,
        _ flight: UnitTrack.Flight,
        _ track: UnitTrack,
        _ round: inout Round
    ) {
        guard case .failed(let problem) = result, track.tries[flight.operation]?.count == 1 else { return }
        tell(.failed, "could not be \(what), trying again: \(problem.message)", of: track.unit, &round)
    }

    /// How a start went that systemd calls done; nil when it turned out a failure, which is told with its cause.
    private static func sentence(forStartOf track: UnitTrack, _ flight: UnitTrack.Flight) -> String? {
        guard let observed = track.observed, !observed.hasFailed else { return nil }
        let word = flight.operation == .restart(track.unit) ? "restarted" : "started"
        let attempt = (flight.assignment?.attempt).map { $0 > 0 ? " again (attempt \($0 + 1))" : "" } ?? ""
        if !observed.isAtRest { return "\(word)\(attempt): \(observed.activeState) (\(observed.subState))" }
        if let ending = FailureReading.ending(of: observed) { return "\(word)\(attempt) and ended: \(ending)" }
        return "\(word)\(attempt), and \(observed.activeState) already: it ended, or a condition of it does not hold"
    }
}
