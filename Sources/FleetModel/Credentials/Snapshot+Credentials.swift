package import UnitFile

extension Snapshot {
    /// What a unit with these options is given: what it asks of fleet, and what it asks of podman and fleet has.
    package func credentials(for options: FleetOptions) -> [Credential] {
        var found = options.credentials
        for name in options.podmanSecrets where credentials[CredentialID(.secret, name)] != nil {
            let credential = Credential(kind: .secret, name: name)
            let isThere = found.contains { $0.source == credential.source && $0.id != .registryAuth }
            if !isThere, !found.contains(where: { $0.id == name }) { found.append(credential) }
        }
        return found
    }

    /// The units whose files ask for this config or secret, sorted. One that asks podman for a secret of that name is a
    /// user too, also before there is one.
    package func users(of credential: CredentialID) -> [UnitName] {
        units.values.filter { unit in
            unit.options.credentials.contains { $0.source == credential }
                || (credential.kind == .secret && unit.options.podmanSecrets.contains(credential.name))
        }
        .map(\.name).sorted()
    }

    /// The generation of the newest config or secret whose change is answered in this way by a unit with these options;
    /// 0 for none.
    package func renewal(for options: FleetOptions, by response: ChangeResponse) -> Generation {
        guard options.onChange == response else { return 0 }
        // A login is used when an image is pulled, and not by what runs.
        return credentials(for: options).filter { $0.id != .registryAuth }
            .compactMap { credentials[$0.source]?.generation }.max() ?? 0
    }

    /// The present machines that cannot open what is sealed under `key`.
    package func machinesWithout(_ key: SecretKeyID) -> [Machine] {
        presentMachines.filter { $0.presence?.secretKeys?.contains(key) != true }
    }

    /// Whether the machine can open the secret as it is stored, or has a unit that was given it.
    package func has(_ secret: CredentialID, on machine: Machine) -> Bool {
        if let key = credentials[secret]?.key, machine.presence?.secretKeys?.contains(key) == true { return true }
        return (unitsByMachine[machine.id] ?? []).contains { unit in
            assignments[unit]?[machine.id]?.credentials?.contains { $0.source == secret } == true
        }
    }

    /// Machines that are not present and have units with secrets, sorted: which keys they have is not known.
    package var absentMachinesWithSecrets: [MachineID] {
        unitsByMachine.filter { machine, units in
            machines[machine]?.presence == nil
                && units.contains { unit in
                    assignments[unit]?[machine]?.credentials?.contains { $0.kind == .secret } == true
                }
        }
        .map(\.key).sorted()
    }
}
