package import FleetModel
package import UnitFile

/// A change that a user asks for; `Change.plan` turns it and a snapshot into one transaction, or an error that says why
/// not. Pure, so that the same code validates in fleetctl, decides in fleetd and is tested without either.
package enum Change: Hashable, Sendable {
    /// Store units that are missing (or different, with `replace`) and set their target state.
    case submit([Submission], target: TargetState, replace: Bool)
    /// Set the target state of stored units.
    case target([UnitName], TargetState)
    /// Stop and start launched units; start loaded ones.
    case restart([UnitName])
    /// Forget the failures of units and try again those that should run.
    case resetFailed([UnitName])
    case destroy([UnitName])
    /// Set (a value) or hide (nil) or unset operator labels of machines.
    case label([LabelChange])
}

/// One unit to store.
package struct Submission: Hashable, Sendable {
    package var name: UnitName
    package var text: String

    package init(name: UnitName, text: String) {
        self.name = name
        self.text = text
    }
}

package struct LabelChange: Hashable, Sendable {
    package enum Operation: Hashable, Sendable {
        case set(String)
        case remove
    }

    package var machine: MachineID
    package var key: String
    package var operation: Operation

    package init(machine: MachineID, key: String, operation: Operation) {
        self.machine = machine
        self.key = key
        self.operation = operation
    }
}

/// What a change did, unit by unit.
package struct ChangeOutcome: Hashable, Sendable {
    package enum Effect: Hashable, Sendable {
        /// Stored; the unit's newest generation.
        case changed(Generation)
        /// It was so already.
        case unchanged(Generation)
        /// The stored file differs from the given one and `replace` was not asked for; the target state was set.
        case differs(Generation)
        case destroyed
    }

    package var units: [UnitName: Effect]

    package init(units: [UnitName: Effect]) { self.units = units }
}
