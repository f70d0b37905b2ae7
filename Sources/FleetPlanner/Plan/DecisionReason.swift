package import FleetModel
package import UnitFile

/// Why something is decided: why anything has to change, and, where a machine was chosen, why that one.
package struct DecisionReason: Hashable, Sendable, CustomStringConvertible {
    package var cause: Cause
    package var choice: Choice?

    package init(_ cause: Cause, _ choice: Choice? = nil) {
        self.cause = cause
        self.choice = choice
    }

    /// A sentence without a full stop.
    package var description: String {
        guard let choice else { return cause.description }
        return "\(cause), \(choice)"
    }
}

extension DecisionReason {
    package enum Cause: Hashable, Sendable {
        /// The unit should be loaded or run and is on no machine.
        case asked(TargetState)
        case stopped
        case destroyed
        case isTemplate
        /// The machine's lease has ended.
        case lost(MachineID)
        /// The machine may not have the unit (any more).
        case ineligible(MachineID, IneligibleReason)
        /// The unit failed on the machine and is tried again, for the `attempt`-th time.
        case retry(attempt: Int, after: MachineID?)
        /// The machine is being drained.
        case drained(MachineID)
        /// A user wants it on another machine.
        case moveAsked(to: MachineID)
        /// It runs in its new place, so it leaves the old one.
        case handedOver(to: MachineID)
        /// It failed in its new place and still runs in the old one.
        case failedThere(MachineID)
        /// The unit is there, and so are the data of its volumes from now on.
        case volumesBegin
        /// Its volumes on that machine hold nothing, by its word.
        case volumesEmpty
        /// A user wants the unit elsewhere without the data.
        case volumesGivenUp
        /// Another unit that uses them has taken them there.
        case volumesShared
        /// The unit's file says that its data stay behind.
        case volumesReleased
        /// A move that was asked for is not made, in words.
        case moveDropped(to: MachineID, String)
        /// More than one machine has an ordinary unit.
        case duplicate(kept: MachineID)
        /// A user has asked for something else, in the words of what changed.
        case changed([String])
        /// The failure that a record takes up, with its message and when it was taken up.
        case failed(on: MachineID, String, RescheduleVerdict, at: Timestamp)
    }

    package enum Choice: Hashable, Sendable {
        /// What the planner would rather have avoided is said too, and that the unit's image need not be pulled.
        case leastLoaded(
            units: Int,
            hasImage: Bool = false,
            failures: Int,
            displacing: [UnitName],
            faults: Faults
        )
        /// `MachineOf=`, or a pod, leaves one machine.
        case follows([UnitName], displacing: [UnitName])
        case global
    }

    /// What machines on which many units fail had to do with a choice.
    package enum Faults: Hashable, Sendable {
        case none
        /// These were looked at last.
        case avoided([MachineID])
        /// So many units have failed on the chosen one, but there is no better.
        case chosen(units: Int)
    }
}

extension DecisionReason.Cause: CustomStringConvertible {
    package var description: String {
        switch self {
        case .asked(let target): "target state is \(target.rawValue)"
        case .stopped: "target state is inactive"
        case .destroyed: "the unit was destroyed"
        case .isTemplate: "a template runs through its instances only"
        case .lost(let machine): "machine \(machine.short) is not present"
        case .ineligible(let machine, let reason): "machine \(machine.short) may not have it: \(reason)"
        case .retry(let attempt, let machine):
            "try \(attempt + 1) after a failure" + (machine.map { " on \($0.short)" } ?? "")
        case .drained(let machine): "machine \(machine.short) is being drained"
        case .moveAsked(let machine): "a move to \(machine.short) was asked for"
        case .handedOver(let machine): "it runs on \(machine.short) now"
        case .failedThere(let machine): "it failed on \(machine.short) and still runs where it was"
        case .volumesBegin: "the unit is there"
        case .volumesEmpty: "nothing was written where they were"
        case .volumesGivenUp: "a move without its volumes was asked for"
        case .volumesShared: "another unit that uses them is there"
        case .volumesReleased: "the unit does not keep to them any more"
        case .moveDropped(let machine, let reason): "it is not moved to \(machine.short): \(reason)"
        case .duplicate(let kept): "machine \(kept.short) has it already"
        case .changed(let what): what.joined(separator: " and ")
        case .failed(let machine, let message, .retry(let time), let at) where time <= at:
            "failed on \(machine.short) (\(message)), to be tried again at once"
        case .failed(let machine, let message, let verdict, _): "failed on \(machine.short) (\(message)), \(verdict)"
        }
    }
}

extension DecisionReason.Choice: CustomStringConvertible {
    package var description: String {
        switch self {
        case .leastLoaded(let units, let hasImage, let failures, let displaced, let faults):
            (failures > 0
                ? "no machine is eligible on which it has not failed"
                : "least loaded of the eligible machines (\(units) \(units == 1 ? "unit" : "units")"
                    + (hasImage ? ", and its image is there)" : ")"))
                + Self.making(room: displaced) + faults.words
        case .follows(let peers, let displaced):
            "with \(peers.map(\.description).joined(separator: ", "))" + Self.making(room: displaced)
        case .global: "global and the machine is eligible"
        }
    }

    private static func making(room displaced: [UnitName]) -> String {
        displaced.isEmpty ? "" : " in place of " + displaced.map(\.description).joined(separator: ", ")
    }
}

extension DecisionReason.Faults {
    fileprivate var words: String {
        switch self {
        case .none: ""
        case .avoided(let machines): "; unit after unit fails on \(machines.map(\.short).joined(separator: ", "))"
        case .chosen(let units): ", although \(units) units have failed there lately"
        }
    }
}
