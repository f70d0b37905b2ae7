import FleetModel
import UnitFile

/// What is to be done with a unit that nothing is going on with. Follows from what is wanted, what is there and what
/// was done, never from the input that led here: the same facts give the same step after any crash or reconnection.
enum NextStep: Hashable, Sendable {
    /// All is as it should be, or as good as the agent can make it.
    case rest
    /// Something else has to happen first: systemd is at work for somebody else, or the registry cannot be read.
    case wait
    case perform(UnitOperation)
    /// See to the image that the run needs. What runs of the unit goes on meanwhile.
    case pull(ImagePull, for: RunID)
    /// The run is as good as carried out: note it, touch nothing.
    case carryOut(Assignment)
    /// The unit is down, and has the newest of its configs and secrets when it is started again: note that.
    case upToDate(Generation)
    /// The run failed for good: note it.
    case fail(RunID, UnitFailure, invocation: String)
    /// The failure is noted and the unit is down: publish it, read the journal, and tell the event with its lines.
    case report(FailedLedgerRun)
    /// Ask for the unit's lock; nothing is waited for.
    case lock
    /// Give the unit's lock up.
    case unlock
    /// The fence has ended the run that was carried out: it is to be started again, under a new lock.
    case fenced
    /// What ran until the wanted run's image is there is no use: tell that, and stop it.
    case endOld(String)
    /// The unit is unhealthy and has a restart left: note and tell that, and restart it.
    case recover(String)
    /// Nothing of ours is here and nothing is wanted.
    case forget
}

extension NextStep {
    fileprivate var isFailure: Bool { if case .fail = self { true } else { false } }
}

/// What the agent knows of the registry. Only up-to-date knowledge may stop a unit (promise P1).
enum RegistryKnowledge: Hashable, Sendable {
    /// Never read since the start: units that are installed may be wanted.
    case unknown
    case current
    /// Read once, not followed at the moment: start what was wanted, stop nothing.
    case stale
}

extension UnitTrack {
    func nextStep(_ registry: RegistryKnowledge, now: Timestamp) -> NextStep {
        if isUnreadable { return .wait }
        guard let desired else { return farewell(registry) }
        if case .taken(_, let isDue) = claim { return isDue ? .perform(.probe([unit])) : .rest }
        if let failure {
            if failure.isReported {
                // Whoever has it next need not wait for this machine.
                return lock != .none && observed?.isAtRest != false ? .unlock : .rest
            }
            // Failures that the agent has found are the unit's end by its hand.
            let isToStop = [.crashLoop, .unhealthy].contains(failure.failure.cause) && observed?.isAtRest == false
            return isToStop ? stop(registry) : .report(failure)
        }
        guard let observed, isInstalled(desired, observed) else { return install(desired, registry, now: now) }
        if let step = secure(desired, observed) { return step }
        if desired.target == .loaded { return load(desired, observed, registry) }
        if isCarriedOut { return watch(desired, observed, registry, now: now) }
        return launch(desired, observed, registry, now: now)
    }

    private func stop(_ registry: RegistryKnowledge) -> NextStep {
        registry == .current ? .perform(.stop(unit)) : .wait
    }

    /// The unit is not wanted: stop it with its file still there, so that `ExecStop=` runs, then remove it. What other
    /// units here need goes on for them, and is stopped with the last of them; a lock is not given up for what runs.
    private func farewell(_ registry: RegistryKnowledge) -> NextStep {
        if registry == .unknown { return .wait }
        if let observed, isOurs {
            let goesOn = observed.isInUse && observed.isAllowed == nil
            guard observed.isAtRest || goesOn else { return stop(registry) }
            return registry == .current ? .perform(.remove(unit)) : .wait
        }
        switch claim {
        case .taken(_, isDue: true): return .perform(.probe([unit]))
        case .taken(_, isDue: false): return .rest
        case .free:
            guard lock == .none else { return registry == .current ? .unlock : .wait }
            return .forget
        }
    }

    /// What the lock asks for before anything else: a unit that has lost it is stopped, even when the registry cannot
    /// be read (promise P3 before P1), one that has none asks for it.
    private func secure(_ desired: Assignment, _ observed: UnitObservation) -> NextStep? {
        guard desired.atMostOnce else { return lock == .none ? nil : .unlock }
        let hasLostRun = observed.isAllowed == false && desired.target == .launched && isCarriedOut
        switch lock {
        case .none, .uncertain:
            if observed.isAllowed == false, !observed.isAtRest { return .perform(.stop(unit)) }
            return hasLostRun ? .fenced : .lock
        case .fenced:
            return observed.isAtRest ? .fenced : .perform(.stop(unit))
        case .elsewhere:
            // Asked for again, so that it is known that nothing of the unit is left here.
            return observed.isAtRest ? .lock : .perform(.stop(unit))
        case .asked, .held:
            // Noticed here first.
            return hasLostRun && observed.isAtRest ? .fenced : nil
        }
    }

    /// A start needs the lock, where there is one.
    private func mayStart(_ desired: Assignment) -> Bool { !desired.atMostOnce || lock == .held }

    /// systemd has the wanted file. What it says of the file matters only as long as nothing runs from it.
    private func isInstalled(_ desired: Assignment, _ observed: UnitObservation) -> Bool {
        observed.hasFiles(of: desired) && (observed.isLoaded || observed.isRunning)
            && (observed.isAllowed != nil) == desired.atMostOnce
    }

    /// A unit that runs from another file is stopped before, and its failed state forgotten, because systemd keeps the
    /// old content for as long as the unit is active or failed (measured: reference 3.4 of the systemd notes).
    private func install(_ desired: Assignment, _ registry: RegistryKnowledge, now: Timestamp) -> NextStep {
        if let image = lackingImage(desired) { return pull(image, desired, registry, now: now) }
        if let observed, hasOtherFile {
            if !observed.isAtRest { return stop(registry) }
            if observed.hasFailed { return .perform(.resetFailed(unit)) }
        }
        let installation = UnitInstallation(
            unit: unit,
            file: desired.file,
            quadlet: desired.quadlet,
            atMostOnce: desired.atMostOnce,
            credentials: desired.credentials ?? [],
            image: desired.image,
            startsNext: desired.target == .launched && !isCarriedOut && !wasStarted && mayStart(desired)
        )
        return .perform(.install([installation]))
    }

    /// The image first. A run whose image could not be had has failed as soon as nothing runs in its place.
    private func pull(
        _ image: ImagePull,
        _ desired: Assignment,
        _ registry: RegistryKnowledge,
        now: Timestamp
    ) -> NextStep {
        if let reason = pullRefusal {
            return .fail(desired.run, UnitFailure(cause: .image, message: reason, at: now), invocation: "")
        }
        if registry == .current, let problem = problemOfOld(now: now) { return .endOld(problem) }
        return .pull(image, for: desired.run)
    }

    /// `loaded`: a unit that was launched is brought to rest, once. One that was not may be active because its timer
    /// or socket started it; that is what people load such units for. What units beside it have started is theirs; what
    /// they use and was launched by itself waits for them.
    private func load(
        _ desired: Assignment,
        _ observed: UnitObservation,
        _ registry: RegistryKnowledge
    ) -> NextStep {
        if isCarriedOut { return .rest }
        if let ledger, ledger.carriedOut != nil, ledger.target == .loaded { return .carryOut(desired) }
        if !observed.isAtRest {
            guard observed.isInUse, observed.isAllowed == nil else { return stop(registry) }
            return ledger?.carriedOut == nil ? .carryOut(desired) : .wait
        }
        if observed.hasFailed { return .perform(.resetFailed(unit)) }
        return .carryOut(desired)
    }

    /// `launched` and started: nothing is done for a unit that ended or was stopped by hand; a failure is noted.
    private func watch(
        _ desired: Assignment,
        _ observed: UnitObservation,
        _ registry: RegistryKnowledge,
        now: Timestamp
    ) -> NextStep {
        if observed.hasFailed {
            let failure = FailureReading.failure(of: observed, starting: nil, now: now)
            return .fail(desired.run, failure, invocation: observed.invocation)
        }
        if let looping, registry == .current {
            let failure = FailureReading.failure(of: looping, last: observed, now: now)
            return .fail(desired.run, failure, invocation: observed.invocation)
        }
        if let step = healthStep(desired, observed, now: now) {
            let mayAct = registry == .current && (step.isFailure || mayStart(desired))
            return mayAct ? step : .wait
        }
        return refresh(desired, observed, registry)
    }

    /// A config or secret was set anew since the unit was started or reloaded (`RestartOnChange=reload`).
    private func refresh(
        _ desired: Assignment,
        _ observed: UnitObservation,
        _ registry: RegistryKnowledge
    ) -> NextStep {
        guard registry == .current, let reload = desired.reload, reload > ledger?.reload ?? 0 else { return .rest }
        if observed.isAtRest { return .upToDate(reload) }
        guard observed.isUp, !observed.hasJob else { return .wait }
        let names = desired.credentials?.map(\.id).filter { $0 != .registryAuth } ?? []
        return .perform(.reload(unit, names))
    }

    /// `launched` and not started yet for this run.
    private func launch(
        _ desired: Assignment,
        _ observed: UnitObservation,
        _ registry: RegistryKnowledge,
        now: Timestamp
    ) -> NextStep {
        if wasStarted { return .carryOut(desired) }
        if observed.isRunning {
            // Only a restart that is newer than the start we know of is one that was not done yet.
            if let ledger, ledger.carriedOut != nil, ledger.target == .launched, desired.restart > ledger.restart {
                guard registry == .current, mayStart(desired) else { return .wait }
                if let image = lackingImage(desired) { return pull(image, desired, registry, now: now) }
                return .perform(.restart(unit))
            }
            return .carryOut(desired)
        }
        guard observed.isAtRest else { return .wait }
        if let image = lackingImage(desired) { return pull(image, desired, registry, now: now) }
        if observed.hasFailed { return .perform(.resetFailed(unit)) }
        return mayStart(desired) ? .perform(.start(unit)) : .wait
    }
}
