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

    func changeResponse() throws(UnitFileError) -> ChangeResponse {
        guard let value = section.values[.restartOnChange]?.last, let text = try expandedText(value) else {
            return .nothing
        }
        guard let response = ChangeResponse(rawValue: text) else {
            throw error(value, "RestartOnChange=\(text.printable()) is unknown; write no, reload or restart")
        }
        guard response != .reload || canReload else {
            throw error(
                value,
                "RestartOnChange=reload needs to know how the service is reloaded; write ExecReload= in [Service], or "
                    + "restart here"
            )
        }
        return response
    }

    /// Whether the service that comes of the file has something to do on a reload.
    private var canReload: Bool {
        let file = section.file
        let containerKeys = ["ReloadCmd", "ReloadSignal"].flatMap {
            file.options(section: QuadletKind.container.section, key: $0)
        }
        let type = file.options(section: "Service", key: "Type").last?.value
        let commands = file.options(section: "Service", key: "ExecReload")
        return commands.last?.value.isEmpty == false || type == "notify-reload"
            || containerKeys.contains { !$0.value.isEmpty }
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
