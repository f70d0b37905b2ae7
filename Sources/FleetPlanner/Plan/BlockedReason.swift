package import FleetModel

/// Why a unit that should be loaded or run is not, or not tried at present.
package enum BlockedReason: Hashable, Sendable {
    /// A template runs through its instances only.
    case isTemplate
    /// Failed for good and not tried again until a user asks; the text says how.
    case givenUp(String)
    /// Failed for good and tried again then.
    case waiting(until: Timestamp)
    /// No machine is known at all.
    case noMachines
    /// Every machine is out of the question.
    case noEligibleMachine([MachineID: IneligibleReason])
    /// The machine that has it is not present, and it stays assigned there because no other may have it: when the
    /// machine comes back it simply goes on.
    case machineLost(MachineID, others: [MachineID: IneligibleReason])
    /// The machine that has it was lost with so many others that nothing is moved off them.
    case brake(MachineID, lost: Int)
    /// The machine that has it is not present, and the unit asked not to be moved.
    case machineLostAndStays(MachineID)
}

extension BlockedReason: CustomStringConvertible {
    /// A sentence without a full stop. Machines with the same reason are counted together.
    package var description: String {
        switch self {
        case .isTemplate: "a template runs through its instances only"
        case .givenUp(let reason): "given up: \(reason)"
        case .waiting(let until): "failed, to be tried again at \(until)"
        case .noMachines: "there are no machines"
        case .noEligibleMachine(let reasons): "no machine is eligible: \(Self.summary(reasons))"
        case .machineLost(let machine, let others):
            "machine \(machine.short) is not present and no other is eligible"
                + (others.isEmpty ? "" : ": " + Self.summary(others))
        case .brake(let machine, let lost) where lost < Brake.fewestMachines:
            "machine \(machine.short) is lost, and others have just come back: the brake keeps its units there for a "
                + "while, until it is back, or until 'fleetctl brake release'"
        case .brake(let machine, let lost):
            "machine \(machine.short) was lost together with \(lost - 1) other\(lost == 2 ? "" : "s"), more than are left: "
                + "the brake keeps its units there until they are back, or until 'fleetctl brake release'"
        case .machineLostAndStays(let machine):
            "machine \(machine.short) is not present and Reschedule=never keeps the unit there"
        }
    }

    /// As many as a person reads in one line.
    private static let shownReasons = 4

    static func summary(_ reasons: [MachineID: IneligibleReason]) -> String {
        var machines: [String: [MachineID]] = [:]
        for (machine, reason) in reasons { machines[reason.description, default: []].append(machine) }
        let lines = machines.map { reason, machines -> (count: Int, text: String) in
            guard machines.count == 1, let only = machines.first else {
                return (machines.count, "\(machines.count) machines: \(reason)")
            }
            return (1, "\(only.short): \(reason)")
        }
        let sorted = lines.sorted { ($1.count, $0.text) < ($0.count, $1.text) }
        let rest = sorted.dropFirst(shownReasons).reduce(0) { $0 + $1.count }
        return sorted.prefix(shownReasons).map(\.text).joined(separator: "; ")
            + (rest > 0 ? "; \(rest) more machines for other reasons" : "")
    }
}

extension BlockedReason {
    /// What kind of reason it is, without the particulars: a change of these is no news.
    package enum Kind: Hashable, Sendable {
        case isTemplate, givenUp, waiting, noMachines, noEligibleMachine, machineLost, brake, machineLostAndStays
    }

    package var kind: Kind {
        switch self {
        case .isTemplate: .isTemplate
        case .givenUp: .givenUp
        case .waiting: .waiting
        case .noMachines: .noMachines
        case .noEligibleMachine: .noEligibleMachine
        case .machineLost: .machineLost
        case .brake: .brake
        case .machineLostAndStays: .machineLostAndStays
        }
    }

    /// False when the unit's own failures are the reason, or what it is.
    package var isForWantOfMachine: Bool {
        switch self {
        case .isTemplate, .givenUp, .waiting: false
        case .noMachines, .noEligibleMachine, .machineLost, .brake, .machineLostAndStays: true
        }
    }
}
