import FleetModel
import UnitFile

/// What is published of a unit: news only, and only states that last. A status is held back while an operation is about
/// to change it, because every status is a durable write and wakes the engine.
extension AgentCore {
    /// The status to write; nil when the one that was published says it all, or when it has to wait.
    func newStatus(of track: UnitTrack, now: Timestamp) -> UnitStatus? {
        guard registry != .unknown, isConnected, isLasting(track), !hasNoStatus(track),
            !track.isUnreadable
        else { return nil }
        let status = status(of: track, now: now)
        if let published = track.published {
            return published.saysTheSame(as: status) ? nil : status
        }
        // "Not there yet" is no news.
        return track.isOurs || status.failure != nil || status.pull != nil ? status : nil
    }

    /// A unit that is neither here nor wanted, or whose name belongs to somebody else.
    func hasNoStatus(_ track: UnitTrack) -> Bool {
        guard registry != .unknown, isConnected, !track.isOurs, !track.isUnreadable else { return false }
        if case .operating(let flight) = track.activity, flight.operation == .remove(track.unit) { return false }
        if case .taken = track.claim { return true }
        return track.desired == nil
    }

    /// While something is going on, only what systemd itself may show for long is worth telling: a slow start or stop.
    private func isLasting(_ track: UnitTrack) -> Bool {
        switch track.activity {
        // Whoever has the unit next need not wait for a journal.
        case .readingJournal: return track.failure != nil
        // A crash loop is told once it has been ended.
        case _ where track.failure?.isReported == false: return false
        case .idle, .waiting: return true
        // Most images are there, which takes no time.
        case .pulling(let flight): return flight.told != nil
        case .operating(let flight):
            switch flight.operation {
            case .start, .restart, .reload, .stop:
                return ["activating", "deactivating", "reloading"].contains(track.observed?.activeState)
            case .install, .remove, .resetFailed, .probe: return false
            }
        }
    }

    private func status(of track: UnitTrack, now: Timestamp) -> UnitStatus {
        let failure = track.failure
        var flown: RunID?
        switch track.activity {
        case .operating(let flight): flown = flight.assignment?.run
        case .pulling(let flight) where flight.told != nil: flown = flight.run
        case .idle, .waiting, .pulling, .readingJournal: break
        }
        let isSettled = track.activity == .idle && (failure != nil || track.isCarriedOut)
        let run = flown ?? failure?.run ?? track.ledger?.carriedOut
        guard let observed = track.observed else {
            return UnitStatus(
                file: nil,
                run: run,
                load: "not-found",
                active: "inactive",
                sub: "dead",
                settled: isSettled,
                failure: failure?.failure,
                at: now,
                pull: track.pullStatus
            )
        }
        return UnitStatus(
            file: observed.file,
            run: run,
            load: observed.loadState,
            active: observed.activeState,
            sub: observed.subState,
            mainPID: observed.mainPID,
            invocation: observed.invocation,
            settled: isSettled,
            failure: failure?.failure,
            volumes: heldVolumes(observed, track),
            at: observed.since ?? now,
            health: observed.isUp ? track.health?.told : nil,
            pull: track.pullStatus
        )
    }

    /// Of the volumes that are asked about, and of these only when all are known.
    private func heldVolumes(_ observed: UnitObservation, _ track: UnitTrack) -> [VolumeName]? {
        guard track.desired?.volumes != nil, observed.isAtRest else { return nil }
        return observed.volumes
    }
}
