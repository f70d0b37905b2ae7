import FleetModel
import UnitFile

/// Configs, secrets, and the keys of machines.
extension TestFleet {
    static let keys = ["0000000a", "0000000b"].compactMap { SecretKeyID($0) }

    static func secret(_ name: String) -> CredentialID {
        guard let name = CredentialName(name) else { preconditionFailure("\(name) is no name") }
        return CredentialID(.secret, name)
    }

    /// Sets the secret anew, under this key; nil removes it. Its users are then newer than it: what is asked for can be
    /// removed only while a unit that asks for it is being submitted (`CredentialChange.remove`).
    mutating func set(_ id: CredentialID, under key: SecretKeyID?) {
        let generation = nextGeneration()
        change { snapshot in
            snapshot.credentials[id] = key.map { key in
                CredentialRecord(
                    blob: ContentHash(of: "\(generation)"),
                    size: 1,
                    generation: generation,
                    set: Provenance(at: Timestamp(milliseconds: 0), by: "test"),
                    key: key
                )
            }
            let users = snapshot.users(of: id)
            for user in users {
                guard let options = snapshot.units[user]?.options else { continue }
                let renewal = snapshot.renewal(for: options, by: .restart)
                let isOlder = renewal < snapshot.units[user]?.renewal ?? 0
                snapshot.units[user]?.renewal = renewal
                let reload = snapshot.renewal(for: options, by: .reload)
                snapshot.units[user]?.reload = reload
                if isOlder { snapshot.units[user]?.intent.generation = generation }
            }
            return users
        }
    }

    mutating func give(_ keys: [SecretKeyID], to machine: MachineID) {
        changeMachine(machine) { $0.presence?.secretKeys = keys.isEmpty ? nil : keys }
    }
}

extension FleetOptions {
    /// Asks for these secrets.
    static func secrets(_ names: [String], onChange: ChangeResponse = .nothing) -> FleetOptions {
        var options = FleetOptions()
        options.credentials = names.map { Credential(kind: .secret, name: TestFleet.secret($0).name) }
        options.onChange = onChange
        return options
    }
}
