/// What an operator wants to know of a machine in one word. Derived here and nowhere else.
package enum MachineState: String, Hashable, Sendable, Codable, CaseIterable {
    /// Takes units.
    case ready
    /// Takes no newcomer, and keeps what it has.
    case cordoned
    /// Takes no newcomer, and its units leave.
    case draining
    /// Takes no newcomer, and its units have left: it may be switched off.
    case drained
    /// Its lease has ended. What is ordered of it counts when it comes back.
    case lost
}

extension Machine {
    /// `hasUnits` tells a machine that is drained from one that is being drained.
    package func state(hasUnits: Bool) -> MachineState {
        guard presence != nil else { return .lost }
        if orders.draining != nil { return hasUnits ? .draining : .drained }
        return orders.isCordoned ? .cordoned : .ready
    }

    /// Since when it has been in its state, while it is not lost.
    fileprivate var stateSince: Timestamp? {
        guard let presence else { return nil }
        return orders.draining?.set.at ?? orders.cordoned?.set.at ?? presence.since
    }
}

extension Snapshot {
    /// Since when the machine has been in its state; nil where nobody has written that down.
    package func stateSince(of machine: MachineID) -> Timestamp? {
        guard let known = machines[machine], known.presence != nil else { return brake?.lost[machine] }
        return known.stateSince
    }

    /// The state of a machine that may be known by its units only.
    package func state(of machine: MachineID) -> MachineState {
        // A unit that is assigned nowhere any more may still be stopping there.
        let isStopping = { self.statuses.values.contains { $0[machine] != nil } }
        let known = machines[machine] ?? Machine(id: machine)
        let hasUnits = known.orders.draining != nil && (unitsByMachine[machine]?.isEmpty == false || isStopping())
        return known.state(hasUnits: hasUnits)
    }
}
