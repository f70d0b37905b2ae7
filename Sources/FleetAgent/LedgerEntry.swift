package import FleetModel

/// How far the agent got with a unit in this boot. Kept under `/run`, so that a restarted fleetd does not start again
/// what has run to its end, and a booted machine starts all it should run.
package struct LedgerEntry: Hashable, Sendable, Codable {
    /// The newest run that was carried out: its start was accepted by systemd or, for the target state `loaded`, the
    /// unit was brought to rest. nil while none was.
    package var carriedOut: RunID?
    /// The target state of `carriedOut`. A unit that was only loaded may be active because a timer or socket started
    /// it, which is not ours to undo.
    package var target: TargetState
    /// `Assignment.restart` as of `carriedOut`.
    package var restart: Generation
    /// The start that was asked of systemd last and is not known to be accepted.
    package var starting: LedgerStart?
    /// The newest run that failed for good.
    package var failed: FailedLedgerRun?
    /// The run that the agent has begun to end, because the unit was not wanted here or had another file than the
    /// wanted one. Wanted again under the same run (it was moved away and back while its stop took its time, or its
    /// own file is back), it has to be started again.
    package var ended: RunID?
    /// The run that was restarted because it was unhealthy, and has not been well for long since: its next failure is
    /// one for good.
    package var healed: RunID?
    /// `Assignment.reload` as of `carriedOut`, or of the newest reload since. Absent for none.
    package var reload: Generation?

    package init(
        carriedOut: RunID?,
        target: TargetState,
        restart: Generation,
        starting: LedgerStart? = nil,
        failed: FailedLedgerRun? = nil,
        ended: RunID? = nil,
        healed: RunID? = nil,
        reload: Generation? = nil
    ) {
        self.carriedOut = carriedOut
        self.target = target
        self.restart = restart
        self.starting = starting
        self.failed = failed
        self.ended = ended
        self.healed = healed
        self.reload = reload
    }

    /// Nothing was done yet.
    static let blank = LedgerEntry(carriedOut: nil, target: .loaded, restart: 0)

    /// `assignment`'s run was carried out. Its failure is kept if it has one already, older ones are forgotten.
    init(carriedOut assignment: Assignment, after former: LedgerEntry?) {
        let failed = former?.failed?.run == assignment.run ? former?.failed : nil
        self.init(
            carriedOut: assignment.run,
            target: assignment.target,
            restart: assignment.restart,
            failed: failed,
            healed: former?.healed == assignment.run ? former?.healed : nil,
            reload: assignment.reload
        )
    }
}

/// A start, noted before systemd is asked for it. If its outcome gets lost, with the connection or with fleetd, the
/// unit's invocation tells: systemd gives it a new one with every start.
package struct LedgerStart: Hashable, Sendable, Codable {
    package var run: RunID
    /// The unit's invocation before; empty when it had none.
    package var invocation: String

    package init(run: RunID, invocation: String) {
        self.run = run
        self.invocation = invocation
    }
}

/// A run that failed for good. Written before anybody is told, so that a fleetd which dies in between still tells, and
/// one that restarts later tells the same.
package struct FailedLedgerRun: Hashable, Sendable, Codable {
    package var run: RunID
    package var failure: UnitFailure
    /// The invocation whose journal belongs to the failure; empty for the whole unit's.
    package var invocation: String
    /// False until the journal was read and the event of the failure told.
    package var isReported: Bool

    package init(run: RunID, failure: UnitFailure, invocation: String, isReported: Bool = false) {
        self.run = run
        self.failure = failure
        self.invocation = invocation
        self.isReported = isReported
    }
}
