package import UnitFile

extension Snapshot {
    /// fleet's current state: what an agent has done about a unit, not what became of it. Inactive until the machine
    /// reports the unit at all; launched once the agent has started it, also when it has failed since.
    package func currentState(of unit: UnitName, on machine: MachineID?) -> TargetState {
        guard let machine, let assignment = assignments[unit]?[machine], let status = statuses[unit]?[machine],
            status.file != nil
        else { return .inactive }
        if status.run == assignment.run { return assignment.target }
        // The agent has not come to the newest assignment yet: what it did for an older one still stands.
        return status.active == "inactive" ? .loaded : .launched
    }
}
