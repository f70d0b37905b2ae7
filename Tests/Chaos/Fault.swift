/// One thing that goes wrong, for a while.
package struct Fault: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case fleetdKilled = "fleetd-killed"
        case fleetdPaused = "fleetd-paused"
        case fleetdRestarted = "fleetd-restarted"
        case powerCut = "power-cut"
        case reboot
        case cableUnplugged = "cable-unplugged"
        case cableSilent = "cable-silent"
        case memberKilled = "member-killed"
        case memberPaused = "member-paused"
        case memberRestarted = "member-restarted"
        /// Three machines of five lose power, one of them with a member of etcd: the brake comes down.
        case mostLost = "most-lost"
        /// Two of three members of etcd hang.
        case quorumLost = "quorum-lost"
        case unitKilled = "unit-killed"
        /// One unit fails for good on one machine for as long as this lasts.
        case unitFails = "unit-fails"
    }

    package var number: Int
    package var kind: Kind
    /// Which machine, from 0.
    package var machine: Int
    /// From the fault before it to this one.
    package var gap: Duration
    /// How long it lasts; zero for what is over in itself.
    package var length: Duration
    /// Which unit, for those that hit one: a number that is taken modulo how many there are.
    package var unit: Int
}

extension Fault {
    /// What faults at the same time may not share.
    enum Resource: Hashable, Sendable {
        case fleetd(Int)
        case cable(Int)
        case member(Int)
        /// No more than one of three members at a time, but for the fault that means it.
        case quorum
    }

    /// The machines it strikes.
    var machines: [Int] {
        guard kind == .mostLost else { return [machine] }
        return [machine] + (FaultPlan.members..<FaultPlan.machines)
    }

    /// What the fault has for itself.
    var resources: Set<Resource> {
        let hasMember = machine < FaultPlan.members
        switch kind {
        case .fleetdKilled, .fleetdPaused, .fleetdRestarted: return [.fleetd(machine)]
        case .powerCut, .reboot, .mostLost:
            let own = Set(machines.flatMap { [Resource.fleetd($0), .cable($0), .member($0)] })
            return hasMember ? own.union([.quorum]) : own
        case .cableUnplugged, .cableSilent: return hasMember ? [.cable(machine), .quorum] : [.cable(machine)]
        case .memberKilled, .memberPaused, .memberRestarted: return [.member(machine), .quorum]
        case .quorumLost: return Set((0..<FaultPlan.members).map(Resource.member)).union([.quorum])
        case .unitKilled, .unitFails: return []
        }
    }

    /// How long it takes until all is well again after the fault's end, about: what the plan counts with.
    var recovery: Duration {
        switch kind {
        case .powerCut: .seconds(5)
        case .mostLost: .seconds(8)
        case .reboot: .seconds(9)
        case .memberKilled, .memberPaused, .memberRestarted, .quorumLost: .seconds(3)
        case .fleetdKilled, .fleetdRestarted: .seconds(2)
        case .fleetdPaused, .cableUnplugged, .cableSilent, .unitKilled, .unitFails: .zero
        }
    }
}

extension Fault: CustomStringConvertible {
    package var description: String {
        "\(number)\t\(kind.rawValue)\tm\(machine + 1)\t\(milliseconds(length))ms"
    }
}

/// Whole milliseconds, for lines that programs read.
func milliseconds(_ duration: Duration) -> Int64 {
    duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
}
