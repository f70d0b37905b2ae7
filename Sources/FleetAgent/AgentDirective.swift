package import FleetModel
package import UnitFile

/// What the agent's core wants done. Values only: the shell interprets, outside of the core, in the order given. What
/// is remembered comes before what is published, so that a restarted fleetd never knows less than the registry.
package enum AgentDirective: Hashable, Sendable {
    case perform(OperationID, UnitOperation)
    /// Write this status (nil: delete it).
    case publish(UnitName, UnitStatus?)
    /// Append to the unit's chain of causes.
    case record(UnitEvent)
    /// Write or (nil) withdraw a refusal.
    case refuse(UnitName, Refusal?)
    /// Read the last lines of the unit's journal of this invocation (of the unit when empty), answered by
    /// `AgentInput.journal` in any case.
    case readJournal(UnitName, RunID, invocation: String)
    /// Keep this over a restart of fleetd, but not over a boot: how far the agent got with a unit.
    case remember(UnitName, LedgerEntry?)
    /// Make this health check of the unit once, if it is up with this invocation; answered by `AgentInput.checked`
    /// unless `AgentCore.awaits` says no by then.
    case check(CheckID, UnitName, HealthCheck, invocation: String)
    /// See to it that the machine has this image of the unit's, answered by `AgentInput.pulled` in any case.
    case pull(PullID, UnitName, ImagePull)
    /// Nobody waits for this pull any more.
    case endPull(PullID)
    /// Get the lock of an `AtMostOnce=` unit, or make sure of it; answered by `AgentInput.locked` or `lockLost`.
    case lock(UnitName)
    /// Give the lock up: nothing of the unit runs, and nothing can start it.
    case unlock(UnitName)
    /// Send `AgentInput.wake` at this time. Replaces the time asked for before.
    case wake(at: Timestamp)
}
