package import UnitFile

extension Snapshot {
    /// The units whose files ask for this config or secret, sorted.
    package func users(of credential: CredentialID) -> [UnitName] {
        units.values.filter { unit in unit.options.credentials.contains { $0.source == credential } }
            .map(\.name).sorted()
    }

    /// What `Unit.renewal` is for a unit with these options.
    package func renewal(for options: FleetOptions) -> Generation {
        guard options.restartsOnChange else { return 0 }
        // A login is used when an image is pulled, and not by what runs.
        return options.credentials.filter { $0.id != .registryAuth }
            .compactMap { credentials[$0.source]?.generation }.max() ?? 0
    }
}
