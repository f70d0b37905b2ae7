import FleetModel
import FleetPlanner

/// What the chain of causes of a unit gets to know of a decision.
struct DecisionEvent {
    var kind: UnitEvent.Kind
    var machine: MachineID?
    var message: String

    /// nil where another event says it: a user's change has its own, so has the retry that follows a failure at once,
    /// and a destroyed unit has no chain any more.
    static func event(_ decision: Decision) -> DecisionEvent? {
        let reason = decision.reason
        switch decision.action {
        case .assign(let machine, _):
            return DecisionEvent(kind: .placed, machine: machine, message: "placed on \(machine.short): \(reason)")
        case .move(let from, let to, _):
            return DecisionEvent(
                kind: .moved,
                machine: to,
                message: "moved from \(from.short) to \(to.short): \(reason)"
            )
        case .update(let machine, _):
            guard case .retry = reason.cause else { return nil }
            return DecisionEvent(kind: .retry, machine: machine, message: "tried again on \(machine.short): \(reason)")
        case .unassign(let machine):
            if case .destroyed = reason.cause { return nil }
            return DecisionEvent(kind: .unplaced, machine: machine, message: "taken off \(machine.short): \(reason)")
        case .settle(let volumes, _, let machine):
            let left = volumes.compactMap { volume, home in home.map { (volume, $0) } }.sorted { $0.0 < $1.0 }
            guard case .volumesGivenUp = reason.cause, !left.isEmpty else { return nil }
            let words = left.map { "\($0.0) on \($0.1.short)" }.joined(separator: ", ")
            let message = "its data stay behind (\(words)): it begins without them on \(machine.short)"
            return DecisionEvent(kind: .moved, machine: machine, message: message)
        // Nothing is done to the unit; fleetctl volumes says where the data are.
        case .share, .release: return nil
        case .endMove(let machine):
            guard case .moveDropped = reason.cause else { return nil }
            return DecisionEvent(kind: .moveDropped, machine: machine, message: "\(reason)")
        case .recordFailure(_, let record):
            let machine = decision.machine
            switch record.verdict {
            case .givenUp: return DecisionEvent(kind: .gaveUp, machine: machine, message: "\(reason)")
            case .retry(let at):
                guard let failed = record.recent.last?.failure.at, at > failed else { return nil }
                return DecisionEvent(kind: .retry, machine: machine, message: "\(reason)")
            }
        }
    }
}
