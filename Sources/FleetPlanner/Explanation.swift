package import FleetModel
package import UnitFile

/// Why units are where they are, at one snapshot: the planner's own answers, since it is the planner that is asked.
package struct Explanation: Sendable {
    private let snapshot: Snapshot
    private let index: PlanningIndex
    private let plan: Plan
    private let now: Timestamp

    /// Plans everything once; the answers are look-ups then.
    package init(of snapshot: Snapshot, now: Timestamp) {
        self.snapshot = snapshot
        self.now = now
        index = PlanningIndex(snapshot)
        plan = Planner.plan(snapshot, index: index, dirty: .all, now: now, epoch: snapshot.leadership?.epoch ?? .zero)
    }

    package var revision: Revision { snapshot.revision }

    /// Why `unit` is on no machine although it should be on one; nil when nothing is in its way.
    package func blocked(_ unit: UnitName) -> BlockedReason? { plan.blocked[unit] }

    /// Why `unit` is still on a machine that it should leave; nil when it need not leave, or is about to.
    package func staying(_ unit: UnitName, on machine: MachineID) -> StayingReason? { plan.staying[unit]?[machine] }

    /// Every machine that may not have `unit`, with the reason.
    package func notEligible(_ unit: UnitName) -> [MachineID: IneligibleReason] {
        guard let stored = snapshot.units[unit] else { return [:] }
        return Eligibility.explain(stored, in: World(snapshot: snapshot, index: index, now: now))
    }
}
