package import FleetModel
package import UnitFile

/// One intended change of the registry, complete: whoever carries it out chooses nothing.
package struct Decision: Hashable, Sendable, CustomStringConvertible {
    package enum Action: Hashable, Sendable {
        /// The unit comes to a machine and leaves none.
        case assign(MachineID, Assignment)
        /// The unit stays, with another file, target, restart, run or policy.
        case update(MachineID, Assignment)
        case unassign(MachineID)
        /// The unit leaves one machine and comes to another, in one transaction.
        case move(from: MachineID, to: MachineID, Assignment)
        /// The newest failure is entered, with the verdict of the reschedule policy.
        case recordFailure(FailureScope, FailureRecord)
        /// From now on the data of these volumes are on the machine where the unit is; they were on that one or (nil)
        /// on none. `shared`: those of them that another unit which is there too keeps to; sorted.
        case settle([VolumeName: MachineID?], shared: [VolumeName], on: MachineID)
        /// The unit is where another one has brought these volumes; sorted.
        case share([VolumeName], on: MachineID)
        /// Where the data of these volumes are binds nobody any more; they were on these machines.
        case release([VolumeName: MachineID])
        /// The move that a user asked for is made, or cannot be.
        case endMove(to: MachineID)
    }

    package var unit: UnitName
    package var action: Action
    package var reason: DecisionReason

    package init(unit: UnitName, action: Action, reason: DecisionReason) {
        self.unit = unit
        self.action = action
        self.reason = reason
    }

    /// The machine that the decision is filed under: the new one of a move, the one that failed; none for what is about
    /// volumes alone.
    package var machine: MachineID? {
        switch action {
        case .assign(let machine, _), .update(let machine, _), .unassign(let machine), .move(_, let machine, _),
            .endMove(let machine), .settle(_, _, let machine), .share(_, let machine):
            machine
        case .recordFailure(_, let record): record.recent.last?.machine
        case .release: nil
        }
    }

    /// The machines that have another set of units afterwards, or other files of them.
    package var machines: [MachineID] {
        switch action {
        case .assign(let machine, _), .update(let machine, _), .unassign(let machine): [machine]
        case .move(let from, let to, _): [from, to]
        case .recordFailure, .endMove, .settle, .share, .release: []
        }
    }

    package var description: String {
        switch action {
        case .assign(let machine, let new):
            "\(unit): assign to \(machine.short), run \(new.run), \(new.target.rawValue): \(reason)"
        case .update(let machine, let new):
            "\(unit): update on \(machine.short), run \(new.run), \(new.target.rawValue): \(reason)"
        case .unassign(let machine): "\(unit): unassign from \(machine.short): \(reason)"
        case .move(let from, let to, let new):
            "\(unit): move from \(from.short) to \(to.short), run \(new.run), \(new.target.rawValue): \(reason)"
        case .recordFailure(_, let record):
            "\(unit): record failure \(record.count) on \(machine?.short ?? "?"): \(reason)"
        case .settle(let volumes, _, let machine):
            "\(unit): volumes "
                + volumes.sorted { $0.key < $1.key }
                .map { "\($0.key)" + ($0.value.map { " (not on \($0.short) any more)" } ?? "") }.joined(separator: ", ")
                + " on \(machine.short): \(reason)"
        case .share(let volumes, let machine):
            "\(unit): shares volumes \(volumes.map(\.description).joined(separator: ", ")) on \(machine.short): \(reason)"
        case .release(let volumes):
            "\(unit): let go of volumes "
                + volumes.sorted { $0.key < $1.key }.map { "\($0.key) on \($0.value.short)" }.joined(separator: ", ")
                + ": \(reason)"
        case .endMove(let machine): "\(unit): end the move to \(machine.short): \(reason)"
        }
    }
}

extension RescheduleVerdict: CustomStringConvertible {
    package var description: String {
        switch self {
        case .retry(let at): "to be tried again at \(at)"
        case .givenUp(let reason): "given up: \(reason)"
        }
    }
}
