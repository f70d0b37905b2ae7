package import FleetModel
package import UnitFile

/// Everything that can happen to an agent.
package enum AgentInput: Hashable, Sendable {
    /// The registry's complete list of this machine's assignments and of its own refusals (at start, and after a watch
    /// was lost). `unreadable` are units with an assignment that this version cannot read: not for us to act on.
    case listed(
        assignments: [UnitName: Assignment],
        refusals: [UnitName: Refusal],
        unreadable: Set<UnitName> = []
    )
    /// The registry cannot be read since fleetd started; this is what it said last, to an earlier fleetd. Nothing is
    /// stopped because of it, and at-most-once units need a lock anyway.
    case recalled([UnitName: Assignment])
    /// Assignments that were written, changed, or (nil) deleted. One input for a whole watch batch, so that what became
    /// due together is installed together.
    case assigned([UnitName: Assignment?])
    /// The unit has an assignment that this version cannot read: it is left as it is until one comes that can be read.
    case unreadable(UnitName)
    /// The registry cannot be followed: what is assigned may be out of date until `listed`.
    case registryLost
    /// systemd was (re)connected to: every unit of ours that is installed, as it is now.
    case connected([UnitName: UnitObservation])
    /// The connection to systemd is gone. Operations in flight end as `unknown`.
    case disconnected
    /// A unit of ours changed; nil when systemd has unloaded it and our file is gone.
    case observed(UnitName, UnitObservation?)
    /// systemd's unit files changed (`UnitFilesChanged`, or a reload that this process did not ask for): refusals may
    /// have lost their cause.
    case unitFilesChanged
    /// An operation ended, with one result per unit it was for. The observations of those units that were read after
    /// its end came before it (see `UnitManager`).
    case finished(OperationID, [UnitName: OperationResult])
    /// The journal lines that `AgentDirective.readJournal` asked for.
    case journal(UnitName, RunID, lines: [String])
    /// What came of `AgentDirective.check`.
    case checked(CheckID, UnitName, CheckResult)
    /// A pull is really under way, or has come so far: podman's newest words. Not more often than is worth a write.
    case pulling(PullID, UnitName, note: String)
    /// What became of `AgentDirective.pull`.
    case pulled(PullID, UnitName, PullResult)
    /// At the start: the units that an earlier fleetd had let run under a lock (`LockInput.inherited`).
    case locksInherited(Set<UnitName>)
    /// The lock that `AgentDirective.lock` asked for is this machine's: the unit may be started.
    case locked(UnitName)
    /// The unit may not run here (any more). `to`: the machine that has the lock; nil: the fence came down.
    case lockLost(UnitName, to: MachineID?)
    /// The time asked for with `AgentDirective.wake` has come.
    case wake
}
