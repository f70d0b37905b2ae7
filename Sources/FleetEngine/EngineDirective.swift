package import FleetModel
package import FleetPlanner
package import FleetRegistry
package import UnitFile

/// What the engine's core wants done. Values only; whoever interprets them does so outside of the core, in order, and
/// answers with an `EngineInput` where one is named.
package enum EngineDirective: Hashable, Sendable {
    /// Create the leadership key on this engine's lease if it does not exist; that it is on this lease already is a
    /// success too, so that the directive may follow a try with an unknown outcome. Answer: `campaigned`.
    case campaign
    /// Give the leadership key up, if it is on this engine's lease. No answer.
    case resign
    /// Answer: `finished`.
    case commit(TransactionID, Transaction)
    /// Read, linearizably and trying until the registry answers, its revision and that of the leadership key, if it is
    /// still of this epoch. `isUncertain`: write that key anew before, so that nothing can be committed any more that
    /// is still on its way. Answer: `caughtUp`.
    case catchUp(Epoch, isUncertain: Bool)
    /// Ask the registry which of these machines' leases were not renewed in time. Answer: `foundSilent`, soon, whether
    /// the registry answers or not.
    case findSilent([MachineID])
    /// Send `oldLeasesOver` in `EngineLimits.oldLeases`, by a clock that nobody sets.
    case timeOldLeases
    /// Send `wake` at this time; replaces what was asked before.
    case wake(at: Timestamp)
    /// For the log.
    case note(EngineNote)
}

/// What an operator reading the log would want to know.
package enum EngineNote: Hashable, Sendable {
    case leads(Epoch)
    case leadsNoMore(Epoch)
    case decided([Decision])
    /// So many machines were lost at once that nothing is moved off these.
    case braked([MachineID])
    /// This machine has just booted and these are not there yet, so nothing is moved off them for now.
    case awaits([MachineID])
    case brakeEnded
    /// So many units have failed on this machine lately, and nowhere else, that it comes behind all others now.
    case faulty(MachineID, units: Int)
    /// A plan broke a rule, which is a mistake of fleet. What it decided on these units is not carried out.
    case auditFailed([AuditFinding])
    /// The registry would not have what was decided on these units; they are planned again.
    case notCommitted([UnitName], String)
}
