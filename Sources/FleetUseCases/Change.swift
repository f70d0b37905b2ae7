package import FleetModel
package import UnitFile

/// A change that a user asks for; `plan` turns it and a snapshot into transactions, or an error that says why not.
/// Pure, so that the same code validates in fleetctl, decides in fleetd and is tested without either.
package enum Change: Hashable, Sendable {
    /// Store units that are missing and set their target state; what happens to stored ones is `Replacement`'s.
    /// A target of `inactive` leaves the target state of a stored unit alone: submitting never unloads.
    /// `renewing` are files that were replaced already when a part of the change was made: their users are to follow.
    case submit([Submission], target: TargetState, replace: Replacement, renewing: Set<QuadletName> = [])
    /// Set the target state of stored units, up or down.
    case target([UnitName], TargetState)
    /// Stop (`loaded`) or unload (`inactive`) units: like `target`, but never up.
    case lower([UnitName], to: TargetState)
    /// Stop and start launched units; start loaded ones.
    case restart([UnitName])
    /// Forget the failures of units and try again those that should run.
    case resetFailed([UnitName])
    case destroy([UnitName])
    /// Set (a value) or hide (nil) or unset operator labels of machines.
    case label([LabelChange])
    /// Move units to a machine; with `losesVolumes`, without the data of their volumes.
    case move([UnitName], to: MachineID, losesVolumes: Bool = false)
    /// Forget where the data of volumes are. The data stay.
    case forgetVolumes([VolumeName])
    /// Let the units of the machines that are lost by now move.
    case releaseBrake
    /// Cordon, uncordon or drain machines.
    case order(MachineOrder, [MachineID])
}

/// One unit to store.
package struct Submission: Hashable, Sendable {
    package var name: UnitName
    /// nil: the unit is expected to be stored.
    package var text: String?
    /// Where the text comes from, for messages.
    package var path: String?
    /// The Quadlet file that the text is, which becomes the unit `name`; nil for a unit file of systemd's.
    package var source: QuadletName?
    /// What the file's `Image=` means now, with its digest; nil where that is not asked for.
    package var image: String?
    /// It comes because another one needs it: stored if it is not yet, with its target state left alone.
    package var isCompanion = false

    package init(name: UnitName, source: QuadletName? = nil, text: String?, path: String? = nil) {
        self.name = name
        self.source = source
        self.text = text
        self.path = path
    }
}

/// What a submission does to a stored unit with a different file. `true` stands for `withinTarget`, `false` for `keep`.
package enum Replacement: Hashable, Sendable, ExpressibleByBooleanLiteral {
    /// The stored file stays; the outcome says that it differs.
    case keep
    /// It is replaced if the unit's target state is not above the one asked for: `submit --replace` must not stop a
    /// launched unit (fleet's rule).
    case withinTarget
    /// It is replaced, and the unit gets the target state asked for, up or down: PUT of API v1.
    case always

    package init(booleanLiteral value: Bool) { self = value ? .withinTarget : .keep }
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
        /// The stored file differs from the given one and `replace` was not asked for: it stays. `isChanged` says
        /// whether the target state was set.
        case differs(Generation, isChanged: Bool)
        case destroyed
        /// Nothing was changed for this unit; the others went on.
        case refused(UseCaseError)

        /// An answer that says how things are without having written them. A refusal promises nothing.
        var isUnwritten: Bool {
            switch self {
            case .unchanged, .differs(_, isChanged: false): true
            case .changed, .differs(_, isChanged: true), .destroyed, .refused: false
            }
        }
    }

    package enum MachineEffect: Hashable, Sendable {
        case changed
        case unchanged
    }

    package var units: [UnitName: Effect]
    /// Of machines that something was ordered of.
    package var machines: [MachineID: MachineEffect]

    package init(units: [UnitName: Effect], machines: [MachineID: MachineEffect] = [:]) {
        self.units = units
        self.machines = machines
    }

    /// Takes note of what was done after a conflict. What was changed before it stays changed.
    package mutating func merge(machines later: [MachineID: MachineEffect]) {
        machines.merge(later) { $0 == .changed ? $0 : $1 }
    }
}

extension Change {
    /// This change without `units`: what is left to do after a part of `plan` was committed.
    package func excluding(_ units: Set<UnitName>, of plan: ChangePlan? = nil) -> Change {
        switch self {
        case .submit(let submissions, let target, let replace, let renewing):
            .submit(
                submissions.filter { !units.contains($0.name) },
                target: target,
                replace: replace,
                renewing: renewing.union((plan?.replaced ?? [:]).filter { units.contains($0.value) }.keys)
            )
        case .target(let names, let state): .target(names.filter { !units.contains($0) }, state)
        case .lower(let names, let state): .lower(names.filter { !units.contains($0) }, to: state)
        case .restart(let names): .restart(names.filter { !units.contains($0) })
        case .resetFailed(let names): .resetFailed(names.filter { !units.contains($0) })
        case .destroy(let names): .destroy(names.filter { !units.contains($0) })
        case .move(let names, let machine, let loses):
            .move(names.filter { !units.contains($0) }, to: machine, losesVolumes: loses)
        case .label, .order, .releaseBrake, .forgetVolumes: self
        }
    }
}
