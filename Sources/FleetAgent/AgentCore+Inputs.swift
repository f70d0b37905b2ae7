import FleetModel
import UnitFile

extension AgentCore {
    /// Folds `input` into what is known, and marks the units that it is news of.
    mutating func take(_ input: AgentInput, _ round: inout Round) {
        switch input {
        case .listed(let assignments, let refusals, let unreadable):
            list(assignments, refusals, except: unreadable, &round)
        case .recalled(let assignments):
            guard registry == .unknown else { return }
            registry = .stale
            for unit in tracks.units.union(assignments.keys).sorted() { want(assignments[unit], of: unit, &round) }
        case .unreadable(let unit):
            update(unit, &round) { $0.isUnreadable = true }
        case .assigned(let changes):
            for unit in changes.keys.sorted() { want(changes[unit] ?? nil, of: unit, &round) }
        case .registryLost:
            if registry == .current { registry = .stale }
        case .connected(let units): connect(units, &round)
        case .disconnected: disconnect(&round)
        case .observed(let unit, let observation): observe(observation, of: unit, &round)
        case .unitFilesChanged: recheckNames(&round)
        case .finished(let id, let results):
            for unit in results.keys.sorted() { finish(id, results[unit] ?? .unknown, of: unit, &round) }
        case .journal(let unit, let run, let lines): report(run, lines, of: unit, &round)
        case .checked(let id, let unit, let result): take(result, of: id, unit, &round)
        case .pulling(let id, let unit, let note): take(note, ofPull: id, unit, &round)
        case .pulled(let id, let unit, let result): take(result, of: id, unit, &round)
        case .locksInherited(let units):
            for unit in units.sorted() { update(unit, &round) { $0.lock = .uncertain } }
        case .locked(let unit):
            guard tracks[unit]?.lock == .asked else { return }
            update(unit, &round) { $0.lock = .held }
        case .lockLost(let unit, let holder): loseLock(of: unit, to: holder, &round)
        case .wake:
            // The alarm has slept for as long as was asked for: a clock that was set back meanwhile shows less.
            let reached = max(round.now, alarm ?? round.now)
            alarm = nil
            for (unit, until) in waits where until <= reached { round.dirty.insert(unit) }
            round.dirty.formUnion(unitsToCheck(round.now))
        }
    }

    private mutating func list(
        _ assignments: [UnitName: Assignment],
        _ refusals: [UnitName: Refusal],
        except unreadable: Set<UnitName>,
        _ round: inout Round
    ) {
        registry = .current
        for unit in tracks.units.union(assignments.keys).subtracting(unreadable).sorted() {
            want(assignments[unit], of: unit, &round)
        }
        for unit in unreadable { update(unit, &round) { $0.isUnreadable = true } }
        for unit in refusals.keys.sorted() {
            guard let refusal = refusals[unit], case .free = tracks[unit]?.claim ?? .free else { continue }
            // An earlier fleetd's word: is it still so?
            update(unit, &round) { $0.claim = .taken(refusal, isDue: true) }
        }
        for track in tracks.sorted {
            if case .taken(let refusal, _) = track.claim, refusals[track.unit] == nil {
                round.notes.append(.refuse(track.unit, refusal))
            }
        }
    }

    private mutating func want(_ assignment: Assignment?, of unit: UnitName, _ round: inout Round) {
        // An inactive unit has no assignment; one that says so means the same.
        let assignment = assignment?.target == .inactive ? nil : assignment
        guard assignment != nil || tracks[unit] != nil else { return }
        update(unit, &round) { track in
            if track.desired?.run != assignment?.run || track.desired?.file != assignment?.file
                || track.desired?.quadlet != assignment?.quadlet
            {
                track.tries = [:]
                track.pullFailure = nil
                // Wanted here in spite of the refusal: perhaps the engine knows better, so look again, once.
                if assignment != nil, case .taken(let refusal, _) = track.claim {
                    track.claim = .taken(refusal, isDue: true)
                }
            }
            track.desired = assignment
            track.isUnreadable = false
        }
    }

    /// Everything is derived anew from what systemd has: operations in flight ended with the connection.
    private mutating func connect(_ units: [UnitName: UnitObservation], _ round: inout Round) {
        abandonFlights()
        isConnected = true
        for unit in tracks.units.union(units.keys).sorted() {
            observe(units[unit], of: unit, &round)
            update(unit, &round) { $0.tries = [:] }
        }
        recheckNames(&round)
    }

    private mutating func disconnect(_ round: inout Round) {
        isConnected = false
        abandonFlights()
    }

    private mutating func abandonFlights() {
        for unit in tracks.units {
            if case .operating? = tracks[unit]?.activity { tracks[unit]?.activity = .idle }
            if tracks[unit]?.health?.flight != nil { tracks[unit]?.health?.abandon() }
        }
    }

    private mutating func observe(_ observation: UnitObservation?, of unit: UnitName, _ round: inout Round) {
        guard observation != nil || tracks[unit] != nil else { return }
        update(unit, &round) { _ in }
        guard var track = tracks[unit] else { return }
        let former = track.presence
        track.observed = observation
        track.presence = UnitTrack.Presence(observation)
        if case .operating(let flight) = track.activity {
            track.acceptStart(of: flight)
        } else if track.isWatched, let observation {
            track.looping = track.loop.saw(observation, goodRun: track.goodRun, now: round.now)
            if track.isCarriedOut, observation.isAllowed != false,
                let (kind, message) = track.newsFromOutside(since: former, observation)
            {
                tell(kind, message, of: unit, &round)
            }
        }
        tracks[unit] = track
    }

    private mutating func loseLock(of unit: UnitName, to holder: MachineID?, _ round: inout Round) {
        guard let lock = tracks[unit]?.lock, lock != .none else { return }
        let state = holder.map(UnitTrack.Lock.elsewhere) ?? .fenced
        guard lock != state else { return }
        update(unit, &round) { $0.lock = state }
        if holder == machine {
            let what = """
                waits for the end of the lease that its lock is on: this machine's from before it booted, or that of \
                another machine with the same id (AtMostOnce=)
                """
            tell(.blocked, what, of: unit, &round)
        } else if let holder {
            tell(.blocked, "waits until \(holder.short) has stopped it (AtMostOnce=)", of: unit, &round)
        }
    }

    private mutating func recheckNames(_ round: inout Round) {
        for track in tracks.sorted {
            guard case .taken(let refusal, _) = track.claim else { continue }
            update(track.unit, &round) {
                $0.claim = .taken(refusal, isDue: true)
                $0.tries = [:]
            }
        }
    }

    /// The journal of a failed run was read: its part of the story is told, once. That it failed was published before.
    private mutating func report(_ run: RunID, _ lines: [String], of unit: UnitName, _ round: inout Round) {
        guard var track = tracks[unit], track.activity == .readingJournal(run) else { return }
        track.activity = .idle
        if var failed = track.ledger?.failed, failed.run == run {
            failed.isReported = true
            track.ledger?.failed = failed
            let event = UnitEvent(
                at: failed.failure.at,
                unit: unit,
                kind: .failed,
                machine: machine,
                message: failed.failure.message,
                journal: JournalCut.lines(lines)
            )
            round.events[unit, default: []].append(event)
        }
        tracks[unit] = track
        round.dirty.insert(unit)
    }
}

extension UnitTrack {
    /// What people should know of a launched unit that came or went without the agent. A failure is told elsewhere.
    fileprivate mutating func newsFromOutside(
        since former: Presence?,
        _ observation: UnitObservation
    ) -> (UnitEvent.Kind, String)? {
        switch (former, Presence(observation)) {
        case (.down, .up) where news == .stoppedOutside:
            news = .none
            return (.started, "started outside fleet: \(observation.activeState) (\(observation.subState))")
        case (.leaving(byJob: true), .down) where !observation.hasFailed:
            news = .stoppedOutside
            return (.stopped, "stopped outside fleet")
        case (.up, .down) where !observation.hasFailed, (.leaving(byJob: false), .down) where !observation.hasFailed:
            guard !FailureReading.wasKilled(observation), let ending = FailureReading.ending(of: observation) else {
                news = .stoppedOutside
                return (.stopped, "stopped outside fleet")
            }
            guard news != .ended else { return nil }
            news = .ended
            return (.stopped, "ended: \(ending)")
        case (nil, _), (.up, _), (.leaving, _), (.down, _):
            return nil
        }
    }

    /// systemd shows a new invocation while the start is in flight: it has accepted it. Noted at once, because the job
    /// may take as long as the unit likes.
    fileprivate mutating func acceptStart(of flight: Flight) {
        guard let assignment = flight.assignment, let starting = ledger?.starting, starting.run == assignment.run,
            let observed, !observed.invocation.isEmpty, observed.invocation != starting.invocation
        else { return }
        carryOut(assignment)
    }
}

/// Cuts journal lines to what a registry value may hold.
enum JournalCut {
    static func lines(_ lines: [String]) -> [String] { lines.suffix(Limits.journalLines).map(line) }

    /// At most `Limits.journalLineBytes` bytes, the ellipsis (three bytes) included, cut between characters.
    private static func line(_ line: String) -> String {
        guard line.utf8.count > Limits.journalLineBytes else { return line }
        var bytes = 3
        let head = line.prefix { character in
            bytes += character.utf8.count
            return bytes <= Limits.journalLineBytes
        }
        return head + "…"
    }
}
