package import FleetModel
package import FleetRegistry
package import UnitFile

/// What a change comes to on one snapshot: transactions to commit in this order, and what they will have done.
///
/// A unit's writes are never split over two steps. When a step conflicts, its plan is out of date: plan
/// `change.excluding(units of the committed steps)` again on a newer snapshot. Without the exclusion a restart that was
/// half committed would restart its first units twice.
package struct ChangePlan: Hashable, Sendable {
    package struct Step: Hashable, Sendable {
        package var units: Set<UnitName>
        package var transaction: Transaction
    }

    package var steps: [Step]
    /// Writes nothing: whether what the plan left alone is still as the snapshot has it. The snapshot of a machine that
    /// was cut off some seconds ago does not know it yet, and "it was so already" is a promise like any other.
    package var confirmations: [Step]
    package var outcome: ChangeOutcome
    /// Quadlet files that get another text, with their units.
    package var replaced: [QuadletName: UnitName] = [:]

    /// Bytes of values in one transaction, unless a single unit needs more: etcd refuses requests above 1.5 MiB
    /// (`--max-request-bytes`).
    static let transactionBytes = 1 << 20
}

extension Change {
    /// Throws when the change as a whole makes no sense (a unit file with errors, a name given twice with different
    /// texts): nothing at all is to be stored then. What concerns one unit's state is a `refused` effect instead.
    ///
    /// `by` gives the time of everything that is written.
    package func plan(
        on snapshot: Snapshot,
        by user: Provenance,
        keyspace: Keyspace,
        events: inout EventIDs
    ) throws(UseCaseError) -> ChangePlan {
        var planner = ChangePlanner(snapshot: snapshot, user: user, keyspace: keyspace, events: events)
        switch self {
        case .submit(let submissions, let target, let replace, let renewing):
            try planner.submit(submissions, target: target, replace: replace, renewing: renewing)
        case .target(let names, let state): planner.forEach(names) { $0.setTarget(of: $1, to: state) }
        case .lower(let names, let state): planner.forEach(names) { $0.lower($1, to: state) }
        case .restart(let names): planner.forEach(names) { $0.restart($1) }
        case .resetFailed(let names): planner.forEach(names) { $0.resetFailures(of: $1) }
        case .destroy(let names): planner.forEach(names) { $0.destroy($1, among: Set(names)) }
        case .label(let changes): planner.label(changes)
        case .move(let names, let machine, let loses):
            planner.forEach(names) { $0.move($1, to: machine, losing: loses ? Set(names) : nil) }
        case .forgetVolumes(let volumes): try planner.forget(volumes)
        case .releaseBrake: try planner.releaseBrake()
        case .order(let order, let machines): try planner.order(order, machines)
        }
        events = planner.events
        return planner.finish()
    }
}
