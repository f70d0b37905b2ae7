import FleetModel
import UnitFile

extension AgentCore {
    /// Asks for the unit's image, unless a pull of it has just failed.
    mutating func pull(_ image: ImagePull, for run: RunID, _ track: inout UnitTrack, _ round: inout Round) {
        if let failure = track.pullFailure {
            // A clock that was set back does not make the wait longer.
            guard failure.isDue(round.now) else {
                track.activity = .waiting(until: failure.due)
                return
            }
        }
        lastPull += 1
        track.activity = .pulling(UnitTrack.PullFlight(id: lastPull, run: run, image: image))
        round.calls.append(.pull(lastPull, track.unit, image))
    }

    /// What became of a pull. One that nobody waits for any more was ended, and says nothing.
    mutating func take(_ result: PullResult, of id: PullID, _ unit: UnitName, _ round: inout Round) {
        guard case .pulling(let flight)? = tracks[unit]?.activity, flight.id == id else { return }
        let now = round.now
        update(unit, &round) { track in
            track.activity = .idle
            track.pulled = nil
            switch result {
            case .present, .pulled:
                track.pulled = UnitTrack.Pulled(run: flight.run, image: flight.image)
                track.pullFailure = nil
            case .failed(let reason) where track.keepsOldWhilePulling, .notRun(let reason):
                track.pullFailure = UnitTrack.PullFailure(reason, after: track.pullFailure, now: now)
            case .failed(let reason):
                let failure = UnitFailure(cause: .image, message: reason, at: now)
                track.fail(flight.run, failure, invocation: "")
            }
        }
        let name = flight.image.name
        switch result {
        case .pulled(let time): tell(.pulled, "pulled \(name) in \(TimeSpan.format(time))", of: unit, &round)
        case .failed(let reason):
            guard let failure = tracks[unit]?.pullFailure, failure.count == 1 else { return }
            let message = "\(reason); what runs is left alone, and the pull is tried again"
            tell(.failed, message, of: unit, &round)
        case .present, .notRun: return
        }
    }

    /// News of a pull that takes its time.
    mutating func take(_ note: String, ofPull id: PullID, _ unit: UnitName, _ round: inout Round) {
        guard case .pulling(var flight)? = tracks[unit]?.activity, flight.id == id else { return }
        let now = round.now
        update(unit, &round) { track in
            flight.told = PullStatus(image: flight.image.name, note: note, at: flight.told?.at ?? now)
            track.activity = .pulling(flight)
        }
    }
}

extension UnitTrack {
    /// A pull under way.
    struct PullFlight: Hashable, Sendable {
        var id: PullID
        var run: RunID
        var image: ImagePull
        /// Once it is known to take its time.
        var told: PullStatus?
    }

    /// What was last found or put on the machine, and for which run: every run asks once.
    struct Pulled: Hashable, Sendable {
        var run: RunID
        var image: ImagePull
    }

    /// A pull that failed and ended no run.
    struct PullFailure: Hashable, Sendable {
        var reason: String
        var count: Int
        var at: Timestamp

        init(_ reason: String, after former: PullFailure?, now: Timestamp) {
            self.reason = reason
            count = (former?.count ?? 0) + 1
            at = now
        }

        var due: Timestamp { at.advanced(by: AgentLimits.pullDelay(after: count)) }

        func isDue(_ now: Timestamp) -> Bool { due <= now || now < at }
    }

    /// The image that has to be seen to before `desired` is started; nil when it is there.
    func lackingImage(_ desired: Assignment) -> ImagePull? {
        guard let image = desired.image, desired.target == .launched, !isCarriedOut, !wasStarted,
            pulled != Pulled(run: desired.run, image: image)
        else { return nil }
        return image
    }

    /// The pull is still what is wanted.
    func wants(_ flight: PullFlight) -> Bool {
        !isUnreadable && desired.map { $0.run == flight.run && lackingImage($0) == flight.image } ?? false
    }

    /// Something of the unit runs, from another file or for an earlier restart: it is better than nothing.
    fileprivate var keepsOldWhilePulling: Bool { observed?.isAtRest == false }

    /// What people should know of the unit's pull.
    var pullStatus: PullStatus? {
        if case .pulling(let flight) = activity, let told = flight.told { return told }
        guard let failure = pullFailure, let image = desired?.image else { return nil }
        return PullStatus(image: image.name, note: failure.reason, hasFailed: true, at: failure.at)
    }
}
