package import UnitFile

/// `Config=`, `Secret=` and `RestartOnChange=`.
extension FleetOptionsBuilder {
    func credentials() throws(UnitFileError) -> [Credential] {
        var found: [Credential] = []
        var lines: [CredentialName: Int] = [:]
        for (key, kind) in [(FleetKey.config, CredentialKind.config), (.secret, .secret)] {
            for value in section.values[key] ?? [] {
                guard let credential = try credential(kind, value) else { continue }
                if let line = lines[credential.id] {
                    throw error(
                        value,
                        "\(key.rawValue)=\(value.source.printable()) would come to the unit as \(credential.id), which "
                            + "line \(line) does already; write \(key.rawValue)=\(credential.name):ANOTHER"
                    )
                }
                lines[credential.id] = value.option.line
                found.append(credential)
            }
        }
        if let value = section.values[.config]?.first ?? section.values[.secret]?.first, let name,
            name.type != .service
        {
            throw error(
                value,
                "\(value.option.key)= is for services: fleet gives a \(name.type) unit nothing to read; write it in the "
                    + "service that this unit starts"
            )
        }
        return found
    }

    /// nil when the name that decides is not known.
    private func credential(
        _ kind: CredentialKind,
        _ value: FleetSection.Value
    ) throws(UnitFileError) -> Credential? {
        guard let text = try expandedText(value) else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let names = parts.compactMap { CredentialName($0) }
        guard names.count == parts.count, names.count <= 2, let name = names.first else {
            throw error(
                value,
                "'\(text.printable())' is not NAME or NAME:CREDENTIAL; \(CredentialName.rule)"
            )
        }
        guard names.last != .registryAuth else {
            throw error(
                value,
                "\(CredentialName.registryAuth) is what fleet calls the login of RegistryAuth=; write another name"
            )
        }
        return Credential(kind: kind, name: name, id: names.last)
    }

    func restartOnChange() throws(UnitFileError) -> Bool {
        guard let value = section.values[.restartOnChange]?.last, let text = try expandedText(value) else {
            return false
        }
        switch text {
        case "no": return false
        case "restart": return true
        case "reload":
            throw error(
                value,
                "RestartOnChange=reload would bring nothing: systemd gives a unit its credentials when it starts, and a "
                    + "reload leaves the old ones in place; write restart"
            )
        default: throw error(value, "RestartOnChange=\(text.printable()) is unknown; write no or restart")
        }
    }
}

extension FleetSection {
    /// Where each config and secret is asked for, as far as that does not depend on the unit's name.
    package var credentialPlaces: [(key: String, source: String, option: ParsedUnitFile.Option)] {
        [FleetKey.config, .secret].flatMap { key in
            (values[key] ?? []).map { (key.rawValue, $0.source, $0.option) }
        }
    }

    /// An error at the line that asks for `credential` of the unit `name`.
    package func error(
        at credential: Credential,
        of name: UnitName,
        _ message: String
    ) -> UnitFileError {
        let builder = FleetOptionsBuilder(section: self, name: name)
        let key: FleetKey =
            credential.id == .registryAuth ? .registryAuth : credential.kind == .config ? .config : .secret
        let place = (values[key] ?? []).first { value in
            let text = (try? builder.expandedText(value)) ?? nil
            return text == credential.name.description || text == "\(credential.name):\(credential.id)"
        }
        guard let place else { return UnitFileError(path: file.path, message: message) }
        return file.error(at: place.option, message)
    }
}
