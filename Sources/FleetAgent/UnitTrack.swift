import FleetModel
import UnitFile

/// All that the agent knows of one unit: what is wanted, what systemd has, how far this machine got, what is going on.
struct UnitTrack: Hashable, Sendable {
    let unit: UnitName
    /// What the registry said last; nil for a unit that should not be here.
    var desired: Assignment?
    /// What is wanted cannot be read: nothing is done until it can.
    var isUnreadable = false
    /// What systemd said last; nil when the unit is not installed (or systemd was not asked yet).
    var observed: UnitObservation?
    var ledger: LedgerEntry?
    var claim = NameClaim.free
    var lock = Lock.none
    var activity = Activity.idle
    /// How often each operation was tried since something changed, so that none is repeated in a tight loop, whatever
    /// leads back to it.
    var tries: [UnitOperation: Tries] = [:]
    var loop = CrashLoop()
    /// Set while the newest observation made a crash loop.
    var looping: CrashLoop.Finding?
    /// The checks of the invocation that is up; nil while it is not to be checked.
    var health: HealthTrack?
    /// The image that was seen to last.
    var pulled: Pulled?
    /// The newest pull failed while the unit ran, or could not be made.
    var pullFailure: PullFailure?
    var presence: Presence?
    var news = News.none
    /// What was published last, and what was remembered last.
    var published: UnitStatus?
    var remembered: LedgerEntry?

    init(unit: UnitName, ledger: LedgerEntry? = nil) {
        self.unit = unit
        self.ledger = ledger
        remembered = ledger
    }

    /// What the agent is doing with a unit. Whatever it is, it is one thing.
    enum Activity: Hashable, Sendable {
        /// Nothing. Anything may follow.
        case idle
        /// An operation is due again at this time. A wake, or any news of the unit, decides again.
        case waiting(until: Timestamp)
        /// systemd is at work. Ends with the operation, or with the connection.
        indirect case operating(Flight)
        /// The unit's image is being pulled. Ends with the answer, or when something else is wanted.
        case pulling(PullFlight)
        /// The journal of a failed run is being read. Ends with its lines.
        case readingJournal(RunID)
    }

    /// An operation in flight.
    struct Flight: Hashable, Sendable {
        var id: OperationID
        var operation: UnitOperation
        /// The assignment it was issued for; what is wanted may have changed since.
        var assignment: Assignment?
        var since: Timestamp
    }

    struct Tries: Hashable, Sendable {
        var count: Int
        /// When the newest ended, or was issued while it is in flight.
        var at: Timestamp
    }

    /// How an `AtMostOnce=` unit's lock stands. Others have none.
    enum Lock: Hashable, Sendable {
        case none
        /// This machine had it, before fleetd was restarted or the fence came down. Until it is asked for again or
        /// given up, the fence is not armed for any unit (`LockCore`).
        case uncertain
        case asked
        case held
        /// Another machine has it.
        case elsewhere(MachineID)
        /// The fence came down: systemd stops the unit.
        case fenced
    }

    /// Whether the machine lets fleet have the name.
    enum NameClaim: Hashable, Sendable {
        case free
        /// A unit from elsewhere has it. `isDue`: the cause may have gone, look again.
        case taken(Refusal, isDue: Bool)
    }

    /// Whether the unit is there, to tell when it comes and goes without the agent.
    enum Presence: Hashable, Sendable {
        case up
        /// On its way down; `byJob` when systemd has a job for that, which is then somebody's wish.
        case leaving(byJob: Bool)
        case down

        init(_ observation: UnitObservation?) {
            guard let observation, !observation.isAtRest else {
                self = .down
                return
            }
            self = observation.isStopping ? .leaving(byJob: observation.hasJob) : .up
        }
    }

    /// What was told last of a unit that ended without the agent.
    enum News: Hashable, Sendable {
        case none
        /// It ended by itself; told once per run, because a timer may start it a thousand times.
        case ended
        /// Somebody stopped it.
        case stoppedOutside
    }

    /// The failure of the run that is wanted now.
    var failure: FailedLedgerRun? {
        guard let desired, let failed = ledger?.failed, failed.run == desired.run else { return nil }
        return failed
    }

    /// True once the wanted run was started (or brought to rest, for `loaded`), unless the agent has ended it since.
    var isCarriedOut: Bool {
        guard let desired, let ledger else { return false }
        return ledger.carriedOut == desired.run && ledger.ended != desired.run
    }

    /// What runs is to go on running: the wanted run, or the one before it while the wanted one waits for its image.
    var isWatched: Bool {
        guard desired?.target == .launched else { return false }
        return isCarriedOut || isSuperseded
    }

    /// What runs is an earlier run's, and goes on because the wanted run's image is not there.
    var isSuperseded: Bool {
        guard let desired, lackingImage(desired) != nil, let ledger, let run = ledger.carriedOut else { return false }
        return ledger.target == .launched && ledger.ended != run && observed?.isRunning == true
    }

    /// How long a run has to be up to be a good one.
    var goodRun: Duration { AgentLimits.goodRun + .milliseconds(desired?.verdictMs ?? 0) }

    /// systemd has accepted the start that the wanted run needs, though it was not heard to say so.
    var wasStarted: Bool {
        guard let desired, let starting = ledger?.starting, starting.run == desired.run, let observed else {
            return false
        }
        return !observed.invocation.isEmpty && observed.invocation != starting.invocation
    }

    var isOurs: Bool { observed?.file != nil }

    /// What is installed is another file than the wanted one, or was made from other Quadlet files beside it.
    var hasOtherFile: Bool {
        guard let observed, observed.file != nil, let desired else { return false }
        return !observed.hasFiles(of: desired)
    }

    /// Notes that the run of `assignment` was carried out: by a start that was asked for just so, or by what was found
    /// done, of which it is not known which configs and secrets it was given.
    mutating func carryOut(_ assignment: Assignment, byStart: Bool = true) {
        var entry = LedgerEntry(carriedOut: assignment, after: ledger)
        if !byStart { entry.reload = ledger?.reload }
        ledger = entry
        news = .none
        loop = CrashLoop()
        looping = nil
    }

    /// Notes that `run` failed for good.
    mutating func fail(_ run: RunID, _ failure: UnitFailure, invocation: String) {
        var entry = ledger ?? .blank
        entry.failed = FailedLedgerRun(run: run, failure: failure, invocation: invocation)
        ledger = entry
        (looping, pullFailure) = (nil, nil)
    }
}
