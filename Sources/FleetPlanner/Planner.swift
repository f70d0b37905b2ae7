package import FleetModel

/// Decides which machine has which unit. Pure: equal arguments give an equal plan.
///
/// A plan comes to rest: applied to the snapshot it was made from, the next plan has no decisions. Nothing moves unless
/// a constraint, a lost machine, a refusal, a failure or a user's change requires it.
package enum Planner {
    /// Looks at what is `dirty` and all that depends on it. With an index kept by `PlanningIndex.update`, and what that
    /// returned as `dirty`, the decisions equal those of a plan made from scratch.
    package static func plan(
        _ snapshot: Snapshot,
        index: PlanningIndex,
        dirty: Dirty,
        now: Timestamp,
        epoch: Epoch
    ) -> Plan {
        var run = PlanningRun(snapshot: snapshot, index: index, now: now, epoch: epoch)
        run.begin(with: dirty)
        run.settle()
        return run.plan()
    }

    /// Plans from scratch.
    package static func plan(_ snapshot: Snapshot, now: Timestamp, epoch: Epoch) -> Plan {
        plan(snapshot, index: PlanningIndex(snapshot), dirty: .all, now: now, epoch: epoch)
    }
}
