package import FleetModel
package import UnitFile

/// Everything that can happen to an agent.
package enum AgentInput: Hashable, Sendable {
    /// The registry's complete list of this machine's assignments and of its own refusals (at start, and after a watch
    /// was lost).
    case listed(assignments: [UnitName: Assignment], refusals: [UnitName: Refusal])
    /// One assignment was written, changed, or (nil) deleted.
    case assigned(UnitName, Assignment?)
    /// systemd was (re)connected to: every unit of ours that is installed, as it is now.
    case connected([UnitName: UnitObservation])
    /// The connection to systemd is gone. Operations in flight end as `unknown`.
    case disconnected
    /// A unit of ours changed; nil when systemd has unloaded it and our file is gone.
    case observed(UnitName, UnitObservation?)
    /// systemd's unit files changed (`UnitFilesChanged`): refusals may have lost their cause.
    case unitFilesChanged
    /// An operation ended, with one result per unit it was for.
    case finished(OperationID, [UnitName: OperationResult])
    /// The journal lines that `AgentDirective.readJournal` asked for.
    case journal(UnitName, RunID, lines: [String])
    /// A time asked for with `AgentDirective.wake` has come.
    case wake
}

/// What the agent's core wants done. Values only: the shell interprets, outside of the core.
package enum AgentDirective: Hashable, Sendable {
    case perform(OperationID, UnitOperation)
    /// Write this status (nil: delete it), with an event for the chain of causes where there is one.
    case publish(UnitName, UnitStatus?, UnitEvent?)
    /// Write or (nil) withdraw a refusal.
    case refuse(UnitName, Refusal?)
    /// Read the last lines of the unit's journal of this invocation, answered by `AgentInput.journal`.
    case readJournal(UnitName, RunID, invocation: String)
    /// Keep this over a restart of fleetd, but not over a boot: how far the agent got with a unit.
    case remember(UnitName, LedgerEntry?)
    /// Ask systemd about a name the agent refused: answered by `finished` of an `install` later, see `AgentCore`.
    case wake(at: Timestamp)
}

/// How far the agent got with a unit in this boot. Kept under `/run`, so that a restarted fleetd does not start again
/// what has run to its end, and a booted machine starts all it should run.
package struct LedgerEntry: Hashable, Sendable, Codable {
    /// The newest run whose start systemd has accepted; nil while none was.
    package var started: RunID?
    /// `Assignment.restart` as of the newest start.
    package var restart: Generation
    /// The unit has an `[Install]` section that was enabled.
    package var isEnabled: Bool
    /// The newest run that failed for good, with its failure, until the registry has an answer.
    package var failed: FailedLedgerRun?

    package init(started: RunID?, restart: Generation, isEnabled: Bool = false, failed: FailedLedgerRun? = nil) {
        self.started = started
        self.restart = restart
        self.isEnabled = isEnabled
        self.failed = failed
    }
}

package struct FailedLedgerRun: Hashable, Sendable, Codable {
    package var run: RunID
    package var failure: UnitFailure

    package init(run: RunID, failure: UnitFailure) {
        self.run = run
        self.failure = failure
    }
}
