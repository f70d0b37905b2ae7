package import FleetModel
package import UnitFile

/// One key of the schema.
package enum RegistryKey: Hashable, Sendable {
    /// `meta/format`: a `RegistryFormat`.
    case format
    /// `files/SHA256`: the text of a unit file, byte for byte, stored once however many units have it.
    case file(ContentHash)
    /// `units/NAME`: a `UnitIntent`.
    case unit(UnitName)
    /// `targets/NAME`: a `UnitTarget`.
    case target(UnitName)
    /// `assignments/MACHINE/NAME`: an `Assignment`.
    case assignment(MachineID, UnitName)
    /// `status/MACHINE/NAME`: a `UnitStatus`, on the machine's lease.
    case status(MachineID, UnitName)
    /// `refusals/MACHINE/NAME`: a `Refusal`, on the machine's lease.
    case refusal(MachineID, UnitName)
    /// `failures/NAME/fleet` or `failures/NAME/MACHINE`: a `FailureRecord`.
    case failures(UnitName, FailureScope)
    /// `machines/MACHINE/presence`: a `MachinePresence`, on the machine's lease.
    case presence(MachineID)
    /// `machines/MACHINE/known`: a `KnownMachine`.
    case known(MachineID)
    /// `machines/MACHINE/labels`: `MachineLabels`.
    case labels(MachineID)
    /// `locks/NAME`: a `UnitLock`, on the lease of the machine that has it.
    case lock(UnitName)
    /// `locks/NAME/holder`: a `UnitLockHolder`.
    case lockHolder(UnitName)
    /// `machines/MACHINE/orders`: `MachineOrders`.
    case orders(MachineID)
    /// `machines/MACHINE/volumes`: a `VolumeInventory`.
    case inventory(MachineID)
    /// The names of the images that the machine has, by its agent, on change only.
    case images(MachineID)
    /// `volumes/VOLUME`: a `VolumeHome`.
    case volume(VolumeName)
    /// `moves/NAME`: a `MoveWish`.
    case move(UnitName)
    /// `brake`: a `BrakeRecord`.
    case brake
    /// `leader`: a `LeaderRecord`, on the leader's lease. Its create revision is the epoch.
    case leader
    /// `configs/NAME` or `secrets/NAME`: a `CredentialRecord`.
    case credential(CredentialID)
    /// `blobs/SHA256`: a `StoredBlob`, the content of a config or the sealed content of a secret.
    case blob(ContentHash)
    /// `events/NAME/ID`: a `UnitEvent`.
    case event(UnitName, EventID)

    package func key(in keyspace: Keyspace) -> Key {
        Key(keyspace.prefix + path)
    }

    private var path: String {
        switch self {
        case .format: "meta/format"
        case .file(let hash): "files/\(hash)"
        case .unit(let unit): "units/\(unit)"
        case .target(let unit): "targets/\(unit)"
        case .assignment(let machine, let unit): "assignments/\(machine)/\(unit)"
        case .status(let machine, let unit): "status/\(machine)/\(unit)"
        case .refusal(let machine, let unit): "refusals/\(machine)/\(unit)"
        case .failures(let unit, .fleet): "failures/\(unit)/fleet"
        case .failures(let unit, .machine(let machine)): "failures/\(unit)/\(machine)"
        case .presence(let machine): "machines/\(machine)/presence"
        case .known(let machine): "machines/\(machine)/known"
        case .labels(let machine): "machines/\(machine)/labels"
        case .lock(let unit): "locks/\(unit)"
        case .lockHolder(let unit): "locks/\(unit)/holder"
        case .orders(let machine): "machines/\(machine)/orders"
        case .inventory(let machine): "machines/\(machine)/volumes"
        case .images(let machine): "machines/\(machine)/images"
        case .volume(let volume): "volumes/\(volume)"
        case .move(let unit): "moves/\(unit)"
        case .brake: "brake"
        case .leader: "leader"
        case .credential(let credential): "\(credential.kind.rawValue)s/\(credential.name)"
        case .blob(let hash): "blobs/\(hash)"
        case .event(let unit, let id): "events/\(unit)/\(id)"
        }
    }

    /// The key's meaning; nil for a key that is outside `keyspace` or not of this schema.
    package init?(_ key: Key, in keyspace: Keyspace) {
        guard key.description.hasPrefix(keyspace.prefix) else { return nil }
        // By bytes: every change of the registry comes through here, and breaking text into characters is what costs.
        let path = key.description.utf8.dropFirst(keyspace.prefix.utf8.count)
        let parts = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        switch (parts.first, parts.count) {
        case ("leader", 1): self = .leader
        case ("brake", 1): self = .brake
        case ("meta", 2) where parts[1] == "format": self = .format
        case ("files", 2):
            guard let hash = ContentHash(parts[1]) else { return nil }
            self = .file(hash)
        case ("blobs", 2):
            guard let hash = ContentHash(parts[1]) else { return nil }
            self = .blob(hash)
        case ("configs", 2), ("secrets", 2):
            guard let name = CredentialName(parts[1]) else { return nil }
            self = .credential(CredentialID(parts[0] == "configs" ? .config : .secret, name))
        case ("units", 2), ("targets", 2), ("locks", 2), ("moves", 2):
            guard let unit = try? UnitName(parts[1]) else { return nil }
            switch parts[0] {
            case "units": self = .unit(unit)
            case "targets": self = .target(unit)
            case "locks": self = .lock(unit)
            default: self = .move(unit)
            }
        case ("locks", 3) where parts[2] == "holder":
            guard let unit = try? UnitName(parts[1]) else { return nil }
            self = .lockHolder(unit)
        case ("machines", 3):
            guard let machine = MachineID(parts[1]) else { return nil }
            switch parts[2] {
            case "presence": self = .presence(machine)
            case "known": self = .known(machine)
            case "labels": self = .labels(machine)
            case "orders": self = .orders(machine)
            case "volumes": self = .inventory(machine)
            case "images": self = .images(machine)
            default: return nil
            }
        case ("assignments", 3), ("status", 3), ("refusals", 3):
            guard let machine = MachineID(parts[1]), let unit = try? UnitName(parts[2]) else { return nil }
            switch parts[0] {
            case "assignments": self = .assignment(machine, unit)
            case "status": self = .status(machine, unit)
            default: self = .refusal(machine, unit)
            }
        case ("failures", 3):
            guard let unit = try? UnitName(parts[1]) else { return nil }
            if parts[2] == "fleet" {
                self = .failures(unit, .fleet)
            } else {
                guard let machine = MachineID(parts[2]) else { return nil }
                self = .failures(unit, .machine(machine))
            }
        case ("volumes", 2...):
            // A state directory may be deeper than one folder.
            guard let volume = try? VolumeName(parts.dropFirst().joined(separator: "/")) else { return nil }
            self = .volume(volume)
        case ("events", 3):
            guard let unit = try? UnitName(parts[1]), let id = EventID(parts[2]) else { return nil }
            self = .event(unit, id)
        default: return nil
        }
    }
}
