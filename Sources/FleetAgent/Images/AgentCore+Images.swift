package import FleetModel
import UnitFile

extension AgentCore {
    /// The images of all units that should be here; nil while that, or what systemd has, is not known.
    package var wantedImages: [ImagePull]? {
        guard isConnected, registry == .current else { return nil }
        // What cannot be read may want any image.
        guard !tracks.sorted.contains(where: \.isUnreadable) else { return nil }
        return tracks.sorted.compactMap(\.desired?.image)
    }

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
            case .present, .pulled, .kept:
                track.pulled = UnitTrack.Pulled(run: flight.run, image: flight.image)
                track.pullFailure = nil
            case .failed(let reason) where track.keepsOldWhilePulling:
                track.pullFailure = UnitTrack.PullFailure(reason, isRefusal: true, after: track.pullFailure, now: now)
            case .notRun(let reason):
                track.pullFailure = UnitTrack.PullFailure(reason, isRefusal: false, after: track.pullFailure, now: now)
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
        case .kept(let reason):
            tell(
                .failed,
                "\(reason); going on with the one that is on this machine (PullPolicy=newer)",
                of: unit,
                &round
            )
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
        /// podman was asked and could not get it; otherwise nobody was asked.
        var isRefusal: Bool
        var count: Int
        var at: Timestamp

        init(_ reason: String, isRefusal: Bool, after former: PullFailure?, now: Timestamp) {
            self.reason = reason
            self.isRefusal = isRefusal
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

    /// The run that a pull under way is for now; nil when it is not wanted any more. A newer run takes over what an
    /// older one has begun, unless it wants to know what the registry has by now.
    func run(for flight: PullFlight) -> RunID? {
        guard !isUnreadable, let desired, lackingImage(desired) == flight.image,
            desired.run == flight.run || flight.image.policy == .missing
        else { return nil }
        return desired.run
    }

    /// Something of the unit runs, from another file or for an earlier restart: it is better than nothing.
    fileprivate var keepsOldWhilePulling: Bool { observed?.isAtRest == false }

    /// The wanted image could not be had, and what ran meanwhile has ended: there is nothing to wait for here.
    var pullRefusal: String? {
        guard let pullFailure, pullFailure.isRefusal, !keepsOldWhilePulling else { return nil }
        return pullFailure.reason
    }

    /// Why what runs instead of the wanted run is no use any more; nil while it is.
    func problemOfOld(now: Timestamp) -> String? {
        guard isSuperseded, let observed else { return nil }
        if let health, health.isUnhealthy, health.invocation == observed.invocation { return health.problem }
        return looping.map { FailureReading.failure(of: $0, last: observed, now: now).message }
    }

    /// What people should know of the unit's pull.
    var pullStatus: PullStatus? {
        if case .pulling(let flight) = activity, let told = flight.told { return told }
        guard let failure = pullFailure, let image = desired?.image else { return nil }
        return PullStatus(image: image.name, note: failure.reason, hasFailed: true, at: failure.at)
    }
}
