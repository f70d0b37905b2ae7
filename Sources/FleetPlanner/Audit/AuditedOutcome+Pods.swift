import FleetModel
import UnitFile

/// Whom the units of a pod follow after a plan, derived without the planner's index.
extension AuditedOutcome {
    /// nil for a unit in no pod, and while nobody of the pod is on a machine that is present.
    func anchor(of unit: Unit) -> UnitName? {
        guard let pod = unit.pod else { return nil }
        func hasData(_ name: UnitName) -> Bool {
            snapshot.units[name].map { snapshot.stickyVolumes(of: $0) }?.contains { snapshot.volumeHomes[$0] != nil }
                == true
        }
        func isAnywhere(_ name: UnitName) -> Bool {
            if name == unit.name, hasData(name) { return true }
            let before = name == unit.name ? (snapshot.assignments[name] ?? [:]).keys.map(\.self) : []
            return (machines(of: name) + before).contains { snapshot.machines[$0]?.presence != nil }
        }
        let mates = snapshot.units.values.filter { $0.pod == pod && isAnywhere($0.name) }.map(\.name).sorted()
        let settled = mates.filter(hasData)
        let candidates = settled.isEmpty ? mates : settled
        let well = candidates.filter { !hasFailed($0) }
        let healthy = well.isEmpty ? candidates : well
        return healthy.first { !present(of: $0).isEmpty } ?? healthy.first
    }

    private func hasFailed(_ unit: UnitName) -> Bool {
        present(of: unit).contains { machine, assignment in
            let status = snapshot.statuses[unit]?[machine]
            return status?.failure != nil && status?.run == assignment.run
        }
    }

    private func present(of unit: UnitName) -> [MachineID: Assignment] {
        (snapshot.assignments[unit] ?? [:]).filter { snapshot.machines[$0.key]?.presence != nil }
    }
}
