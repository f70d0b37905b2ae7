package import FleetModel
package import UnitFile

/// Something that a finished plan must not do. Always a mistake in the planner, never in what users asked for.
package enum AuditFinding: Hashable, Sendable {
    /// An ordinary unit would be on several machines.
    case severalMachines(UnitName, [MachineID])
    /// The plan would leave the unit on a machine that may not have it.
    case ineligible(UnitName, MachineID, String)
    /// The unit should be loaded or run, and would be on no machine although this one may have it.
    case forgotten(UnitName, MachineID)
    /// The unit would be on no machine, and the plan does not say why.
    case unexplained(UnitName)
    /// The unit is on a machine and need not be anywhere.
    case leftOver(UnitName, MachineID)
    /// A run's number would fall, or stay although the run failed.
    case attempt(UnitName, MachineID, from: Int, to: Int)
    /// The decision does not fit what is stored.
    case baseless(UnitName, String)
    /// The unit would be on the machine, and the data of this volume of its would not be known to be there.
    case homeless(UnitName, MachineID, VolumeName)
    /// The unit would leave this volume on that machine, which may have data of it.
    case abandoned(UnitName, VolumeName, MachineID)
    /// Where this volume was would still bind the unit, which does not keep to it any more.
    case clinging(UnitName, VolumeName)
    /// The unit would use this volume where another one has brought it, and nobody would know later.
    case unshared(UnitName, VolumeName)
    case unsorted(UnitName)
    /// Wakes at a time that has passed would come for ever.
    case wakeInThePast(Timestamp)

    /// The unit concerned, if it is one.
    package var unit: UnitName? {
        switch self {
        case .severalMachines(let unit, _), .ineligible(let unit, _, _), .forgotten(let unit, _),
            .unexplained(let unit), .leftOver(let unit, _), .attempt(let unit, _, _, _), .baseless(let unit, _),
            .unsorted(let unit), .unshared(let unit, _),
            .clinging(let unit, _), .homeless(let unit, _, _), .abandoned(let unit, _, _):
            unit
        case .wakeInThePast: nil
        }
    }
}

extension AuditFinding: CustomStringConvertible {
    package var description: String {
        switch self {
        case .severalMachines(let unit, let machines):
            "\(unit) would be on \(machines.map(\.short).joined(separator: " and "))"
        case .ineligible(let unit, let machine, let why): "\(unit) may not be on \(machine.short): \(why)"
        case .forgotten(let unit, let machine): "\(unit) is on no machine although \(machine.short) may have it"
        case .unexplained(let unit): "\(unit) is on no machine and the plan does not say why"
        case .leftOver(let unit, let machine): "\(unit) stays on \(machine.short) although it need not be anywhere"
        case .attempt(let unit, let machine, let from, let to):
            "\(unit) on \(machine.short): the attempt goes from \(from) to \(to)"
        case .baseless(let unit, let why): "\(unit): \(why)"
        case .homeless(let unit, let machine, let volume):
            "\(unit) would be on \(machine.short), and its volume \(volume) not be said to be there"
        case .abandoned(let unit, let volume, let machine):
            "\(unit) would leave its volume \(volume) on \(machine.short)"
        case .clinging(let unit, let volume): "the home of \(volume) stays, and \(unit) does not keep to it"
        case .unshared(let unit, let volume): "\(unit) would share \(volume), and nothing say so"
        case .unsorted(let unit): "the decisions on \(unit) are out of order"
        case .wakeInThePast(let time): "the plan asks to be woken at \(time), which has passed"
        }
    }
}
