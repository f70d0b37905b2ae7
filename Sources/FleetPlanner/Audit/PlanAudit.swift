package import FleetModel
import UnitFile

/// Checks a finished plan against its snapshot. Derives every invariant again, by the plainest way there is and without
/// any code of the planner, so that a mistake there is not repeated here.
package enum PlanAudit {
    package enum Scope: Sendable {
        /// The units that the plan decides on: cheap enough for every plan.
        case decided
        /// Every unit.
        case everything
    }

    package static func check(
        _ plan: Plan,
        _ snapshot: Snapshot,
        now: Timestamp,
        scope: Scope = .decided
    ) -> [AuditFinding] {
        var findings = order(plan)
        if let wake = plan.wakeAt, wake <= now { findings.append(.wakeInThePast(wake)) }
        var outcome = AuditedOutcome(plan, snapshot, now: now)
        findings += outcome.findings
        let units: any Sequence<UnitName> =
            switch scope {
            case .decided: Set(plan.decisions.map(\.unit)).sorted()
            case .everything: Set(snapshot.units.keys).union(snapshot.assignments.keys).sorted()
            }
        for unit in units { findings += check(unit, plan, snapshot, &outcome, now) }
        return findings
    }

    private static func order(_ plan: Plan) -> [AuditFinding] {
        func rank(_ decision: Decision) -> (String, Int, String) {
            switch decision.action {
            case .recordFailure, .endMove, .settle, .share, .release: return (decision.unit.description, 0, "")
            case .assign, .update, .unassign, .move: break
            }
            return (decision.unit.description, 1, decision.machine?.description ?? "")
        }
        return zip(plan.decisions, plan.decisions.dropFirst()).compactMap { left, right in
            rank(left) <= rank(right) ? nil : .unsorted(right.unit)
        }
    }

    private static func check(
        _ name: UnitName,
        _ plan: Plan,
        _ snapshot: Snapshot,
        _ outcome: inout AuditedOutcome,
        _ now: Timestamp
    ) -> [AuditFinding] {
        let machines = outcome.machines(of: name)
        guard let unit = snapshot.units[name] else {
            let isStored = snapshot.unitRevisions[name] != nil || snapshot.targetRevisions[name] != nil
            return isStored ? [] : machines.map { .leftOver(name, $0) }
        }
        guard unit.target.state > .inactive, !name.isTemplate else { return machines.map { .leftOver(name, $0) } }
        var findings: [AuditFinding] = []
        let isAnywhere = machines.contains { snapshot.machines[$0]?.presence != nil }
        // Of several lost machines that keep it, the one to come back first decides.
        if !unit.options.isGlobal, machines.count > 1, isAnywhere, !outcome.isHandover(of: unit, machines) {
            findings.append(.severalMachines(name, machines))
        }
        for machine in machines where snapshot.machines[machine]?.presence != nil {
            if let why = outcome.objection(to: unit, on: machine) {
                findings.append(.ineligible(name, machine, why))
            }
        }
        findings += outcome.volumeFindings(of: unit, on: machines)
        if plan.considered.contains(name) {
            findings += outcome.needlessHomes(of: unit) + outcome.unsharedHomes(of: unit, on: machines)
        }
        if unit.options.isGlobal {
            for machine in snapshot.machines.keys.sorted() where !machines.contains(machine) {
                guard !outcome.isHeld(unit, .machine(machine), now) else { continue }
                let why = outcome.objection(to: unit, on: machine, arriving: true)
                if why == nil { findings.append(.forgotten(name, machine)) }
            }
        } else if !isAnywhere, !outcome.isHeld(unit, .fleet, now) {
            let isBraked = machines.contains { snapshot.brake?.holds($0) == true }
            let mayLeave = machines.isEmpty || (unit.options.reschedule.trigger != .never && !isBraked)
            for machine in snapshot.machines.keys.sorted() where mayLeave && !machines.contains(machine) {
                let why = outcome.objection(to: unit, on: machine, arriving: true)
                if why == nil { findings.append(.forgotten(name, machine)) }
            }
        }
        if machines.isEmpty, plan.considered.contains(name), plan.blocked[name] == nil {
            findings.append(.unexplained(name))
        }
        return findings
    }
}
