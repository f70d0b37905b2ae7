import FleetModel
package import UnitFile

extension AgentCore {
    /// Begins, goes on with or ends the checks of a unit. At most one is in flight, and what it says counts only if
    /// the unit is still the invocation that it was made of.
    mutating func tend(_ track: inout UnitTrack, _ round: inout Round) {
        checks[track.unit] = nil
        guard isConnected else { return }
        guard let (check, observed) = track.checkable else {
            track.health = nil
            return
        }
        var health = track.health
        if health?.check != check || health?.invocation != observed.invocation { health = nil }
        var current =
            health ?? HealthTrack(check, invocation: observed.invocation, up: observed.since, now: round.now)
        defer { track.health = current }
        // Whatever is being done, the checks go on when it is done, and are not waited for until then.
        if case .operating = track.activity { return }
        if current.isDue(round.now) {
            lastCheck += 1
            current.begin(lastCheck, now: round.now)
            round.calls.append(.check(lastCheck, track.unit, check, invocation: observed.invocation))
        }
        if current.flight == nil { checks[track.unit] = current.due }
    }

    /// The answer to a check.
    mutating func take(_ result: CheckResult, of id: CheckID, _ unit: UnitName, _ round: inout Round) {
        guard awaits(id, of: unit) else { return }
        let now = round.now
        update(unit, &round) { track in
            track.health?.take(result, now: now)
            // It was well for long enough after its restart: it may have another one.
            if let since = track.health?.healthySince, track.ledger?.healed != nil,
                now.since(since) >= AgentLimits.goodRun
            {
                track.ledger?.healed = nil
            }
        }
    }

    /// Whether the answer to a check would still be of use, when its turn comes.
    package func awaits(_ id: CheckID, of unit: UnitName) -> Bool { tracks[unit]?.health?.flight?.id == id }

    /// Units whose check has become due; also when the clock was set back, and every time is too late.
    func unitsToCheck(_ now: Timestamp) -> [UnitName] {
        checks.keys.filter { tracks[$0]?.health?.isDue(now) ?? true }
    }

    /// Notes that the unit is restarted for its health, and says why.
    func recover(_ problem: String, _ track: inout UnitTrack, _ round: inout Round) {
        track.ledger?.healed = track.desired?.run
        // What was done for another reason has no say in when this is.
        track.tries[.restart(track.unit)] = nil
        tell(.failed, "unhealthy: \(problem); restarting it", of: track.unit, &round)
    }
}

extension UnitTrack {
    /// The check, and how the unit is, while the unit should be checked: it runs here, from the wanted file, for the
    /// wanted run.
    /// A run that goes on in the place of a newer one is checked as it was until then.
    fileprivate var checkable: (HealthCheck, UnitObservation)? {
        guard let desired, !isUnreadable, failure == nil, let observed, observed.isUp, !observed.invocation.isEmpty
        else { return nil }
        if isSuperseded, let health, health.invocation == observed.invocation { return (health.check, observed) }
        let isWanted = isCarriedOut || isSuperseded
        guard let check = desired.health, desired.target == .launched, isWanted, observed.hasFiles(of: desired)
        else { return nil }
        return (check, observed)
    }

    /// What the checks of the running invocation make necessary.
    func healthStep(_ desired: Assignment, _ observed: UnitObservation, now: Timestamp) -> NextStep? {
        guard let health, health.isUnhealthy, health.invocation == observed.invocation,
            desired.health == health.check, !observed.isAtRest
        else { return nil }
        let problem = health.problem
        if health.check.restartsFirst, ledger?.healed != desired.run { return .recover(problem) }
        let failure = UnitFailure(cause: .unhealthy, message: problem, at: now)
        return .fail(desired.run, failure, invocation: observed.invocation)
    }
}
