package import FleetModel
package import UnitFile

/// Why a machine may not have a unit. `description` is a sentence about the machine, without a full stop.
package enum IneligibleReason: Hashable, Sendable {
    /// Its lease has ended, or it was never there.
    case notPresent
    /// Operators have closed the machine to newcomers, for the given reason.
    case cordoned(String?)
    /// The machine is drained: it takes no newcomer, and after the deadline keeps nothing.
    case draining
    /// `MachineID=` names another machine.
    case otherMachine(wanted: String)
    /// `MachineMetadata=`: the machine's value of `key` is none of `wanted` (sorted); nil: it has no such key.
    case metadata(key: String, wanted: [String], found: String?)
    /// The machine's agent will not take the unit.
    case refused(String)
    /// The unit comes from a Quadlet file, and the machine has no podman, or one without Quadlet.
    case noPodman(PodmanNeed)
    case oldPodman(PodmanNeed, found: PodmanVersion)
    /// The unit's file says what this systemd does not understand.
    case oldSystemd(SystemdNeed, found: Int)
    /// Quadlet files that the unit's own needs beside it are not stored (sorted).
    case companionsMissing([QuadletName])
    /// The unit sticks to this volume, whose data are on that machine; `isLost`: it is not present.
    case volumeElsewhere(VolumeName, of: UnitName, on: MachineID, isLost: Bool)
    /// `Config=` or `Secret=`: there is nothing of that name.
    case credentialMissing(CredentialID)
    /// `Secret=`: the machine lacks the key that it is sealed under.
    case noSecretKey(SecretKeyID, CredentialName)
    /// `MachineOf=`: there is no such unit.
    case peerUnknown(UnitName)
    /// `MachineOf=`: that unit is on no machine.
    case peerUnplaced(UnitName)
    /// `MachineOf=`: that unit is on these machines (sorted).
    case peerElsewhere(UnitName, [MachineID])
    /// `MachineOf=`: the units of the chain, each of which waits for the next, and the last for the first.
    case peerCycle([UnitName])
    /// Another unit of the pod is on these machines (sorted).
    case podElsewhere(QuadletName, with: UnitName, [MachineID])
    /// `Conflicts=` of the unit itself: `with` is there.
    case conflict(with: UnitName, pattern: UnitPattern)
    /// `Conflicts=` of `by`, which is there.
    case conflicted(by: UnitName, pattern: UnitPattern)
    /// `Replaces=` of `by`, which is there.
    case replaced(by: UnitName, pattern: UnitPattern)
}

extension IneligibleReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notPresent: "the machine is not present"
        case .cordoned(let reason): "the machine is cordoned" + (reason.map { " (\($0))" } ?? "")
        case .draining: "the machine is being drained"
        case .otherMachine(let wanted): "MachineID=\(wanted) names another machine"
        case .metadata(let key, let wanted, let found):
            "MachineMetadata=\(key)=\(wanted.joined(separator: " or ")) is asked for and the machine has "
                + (found.map { "\(key)=\($0)" } ?? "no \(key)")
        case .refused(let reason): "the machine refuses it: \(reason)"
        case .noPodman(let need):
            "podman \(need.version) is needed (\(need.cause)) and the machine has none with Quadlet"
        case .oldPodman(let need, let found):
            "podman \(need.version) is needed (\(need.cause)) and the machine has \(found)"
        case .oldSystemd(let need, let found):
            "systemd \(need.version) is needed (\(need.cause)) and the machine has \(found)"
        case .companionsMissing(let names):
            "its Quadlet file needs \(names.map(\.description).joined(separator: ", ")), not in the registry: submit "
                + (names.count == 1 ? "that" : "those")
        case .volumeElsewhere(let volume, let unit, let home, let isLost):
            "its volume \(volume) is on \(home.short), "
                + (isLost ? "which is not present" : "with data as far as is known")
                + " (VolumePolicy=sticky; 'fleetctl move \(unit) MACHINE --lose-volumes' leaves it behind)"
        case .credentialMissing(let id):
            "it asks for the \(id), which is not set: 'fleetctl \(id.kind.rawValue) set \(id.name) FILE'"
        case .noSecretKey(let key, let name):
            "the secret \(name) is sealed under the key \(key), which the machine does not have"
        case .peerUnknown(let peer): "MachineOf=\(peer) is asked for and there is no such unit"
        case .peerUnplaced(let peer): "MachineOf=\(peer) is asked for and \(peer) is on no machine"
        case .peerElsewhere(let peer, let machines):
            "MachineOf=\(peer) is asked for and \(peer) is on \(Self.listed(machines))"
        case .peerCycle(let chain):
            "MachineOf= goes in a circle: "
                + (chain + chain.prefix(1)).map(\.description).joined(separator: " waits for ")
        case .podElsewhere(let pod, let anchor, let machines):
            "it is in one pod (\(pod)) with \(anchor), which is on \(Self.listed(machines))"
        case .conflict(let other, let pattern): "Conflicts=\(pattern) and \(other) is there"
        case .conflicted(let other, let pattern): "\(other) is there and has Conflicts=\(pattern)"
        case .replaced(let other, let pattern): "\(other) is there and has Replaces=\(pattern)"
        }
    }

    /// Names the first few: a global unit may be on thousands.
    private static func listed(_ machines: [MachineID]) -> String {
        let named = machines.prefix(3).map(\.short).joined(separator: ", ")
        return machines.count > 3 ? "\(named) and \(machines.count - 3) more" : named
    }
}
