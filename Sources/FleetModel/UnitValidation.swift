package import UnitFile

/// Everything that is checked before a unit file is stored, in one place: `fleetctl` runs it before it sends a file,
/// and `fleetd` before it stores one, so that both give the same error (promise P8).
package enum UnitValidation {
    /// Checks size, grammar, `[X-Fleet]` and what every supported systemd would refuse when it loads the unit. `path`
    /// is the file as the user named it; without one, errors are reported under the unit's name.
    ///
    /// With a `source` the text is that Quadlet file's, and has to make the service `name`.
    package static func validate(
        name: UnitName,
        source: QuadletName? = nil,
        text: String,
        path: String? = nil
    ) throws(UnitFileError) -> (ParsedUnitFile, FleetSection, FleetOptions) {
        let place = path ?? source?.description ?? name.description
        try checkName(name, place)
        let file = try ParsedUnitFile.parse(text, path: place)
        guard !file.sections.isEmpty else {
            throw UnitFileError(
                path: place,
                message: "the file has no section, and systemd takes an empty unit file for a masked unit; "
                    + "write at least [Unit]"
            )
        }
        let section = try FleetSection.parse(file)
        let options = try section.options(for: name, source: source)
        if let source {
            try check(source, file, makes: name)
        } else {
            try LoadRules(name: name, file: file).check()
        }
        try HealthRules(name: name, source: source, file: file).check(section)
        if let source, source.kind != .container, let place = section.credentialPlaces.first {
            throw file.error(
                at: place.option,
                "\(place.key)= is for services and .container files: what a .\(source.kind.rawValue) file starts does not "
                    + "see systemd's credentials"
            )
        }
        if options.atMostOnce { try AtMostOnceRules(type: name.type, file: file).check() }
        try ImageRules(name: name, source: source, file: file, section: section, options: options).check()
        try VolumeRules(name: name, source: source, file: file, section: section, options: options).check()
        return (file, section, options)
    }

    private static func check(
        _ source: QuadletName,
        _ file: ParsedUnitFile,
        makes name: UnitName
    ) throws(UnitFileError) {
        try QuadletRules(name: source, file: file).check()
        let service = try source.service(file)
        guard service == name else {
            throw UnitFileError(
                path: file.path,
                message: "\(source) becomes \(service), not \(name); use that name, or change ServiceName="
            )
        }
    }

    /// What fleet itself makes units of, on every machine: `fleet-pull-*` is given the login of any registry.
    private static let ownPrefixes = ["fleet-pull-", "fleet-health-", "fleet-reload-", "fleet-fence", "fleet-volumes-"]
    /// The units of fleet's own packages.
    private static let ownUnits = ["fleetd.service", "fleetd.socket", "fleetd-credentials.socket"]

    private static func checkName(_ name: UnitName, _ path: String) throws(UnitFileError) {
        let kind = name.type.rawValue
        if ownUnits.contains(name.description) || ownPrefixes.contains(where: name.description.hasPrefix) {
            throw UnitFileError(path: path, message: "\(name) is a name that fleet itself uses; take another one")
        }
        if name.instance != nil, !name.type.canBeTemplate {
            throw UnitFileError(
                path: path,
                message: "invalid unit type for template: \"\(kind)\"; "
                    + "templates and instances are of type path, service, socket, target or timer"
            )
        }
        if name.type == .scope {
            throw UnitFileError(
                path: path,
                message: "systemd loads no scope from a file: programs make scopes at run time; write a service"
            )
        }
    }

    /// What is probably a mistake, or will surprise, and is accepted all the same: one line each, with its place.
    package static func warnings(name: UnitName, source: QuadletName? = nil, file: ParsedUnitFile) -> [String] {
        var found: [UnitFileError] = []
        for section in file.sections where !knownSections(of: name.type).contains(section.name) {
            // In a Quadlet file such a section is an error already.
            guard source == nil, !section.name.hasPrefix("X-") else { continue }
            let known = knownSections(of: name.type)
            let guess = Spelling.nearest(to: section.name, among: known).map { "; did you mean [\($0)]?" } ?? ""
            found.append(
                UnitFileError(
                    path: file.path,
                    line: section.line,
                    column: section.column,
                    message: "systemd ignores [\(section.name.printable(limit: 40))] in a \(name.type) unit\(guess)"
                )
            )
        }
        for action in actions {
            for option in file.options(section: action.section, key: action.key) {
                guard !["", "none"].contains(option.value) else { continue }
                let text = "\(action.key)=\(option.value.printable(limit: 40))"
                found.append(file.error(at: option, "\(text) acts on the whole machine, with every unit on it"))
            }
        }
        if name.type == .device {
            found.append(
                UnitFileError(path: file.path, message: "a device unit cannot be started; udev makes it active")
            )
        }
        found += HealthRules(name: name, source: source, file: file).warnings
        found += fleetWarnings(name: name, file: file)
        return found.map(\.description)
    }

    private static func fleetWarnings(name: UnitName, file: ParsedUnitFile) -> [UnitFileError] {
        guard let section = try? FleetSection.parse(file), let options = try? section.options(for: name) else {
            return []
        }
        var found = section.deprecated.map { option in
            let new = FleetKey(option.key)?.rawValue ?? option.key
            return file.error(at: option, "\(option.key)= is the old name of \(new)=")
        }
        if options.atMostOnce, let value = section.values[.atMostOnce]?.last,
            [.timer, .path, .socket].contains(name.type)
        {
            found.append(
                file.error(
                    at: value.option,
                    "AtMostOnce= guards the \(name.type) unit only; set it in the unit that this one starts too"
                )
            )
        }
        if options.atMostOnce { found += AtMostOnceRules(type: name.type, file: file).warnings }
        for value in [FleetKey.conflicts, .replaces].flatMap({ section.values[$0] ?? [] }) {
            guard let kind = QuadletKind(ofFile: value.source), value.source.contains(where: { "*?[".contains($0) })
            else { continue }
            let pattern = "\(value.option.key)=\(value.source.printable(limit: 40))"
            let services = "*\(kind.serviceSuffix).service"
            found.append(
                file.error(
                    at: value.option,
                    "\(pattern) matches nothing: patterns are compared with names of units, such as \(services)"
                )
            )
        }
        let policy = options.reschedule
        if policy.limit > 0, policy.shortestWaits >= policy.limitInterval {
            let waits = TimeSpan.format(policy.shortestWaits)
            let interval = TimeSpan.format(policy.limitInterval)
            found.append(
                UnitFileError(
                    path: file.path,
                    line: section.values[.rescheduleLimitInterval]?.last?.option.line ?? 0,
                    message:
                        "\(policy.limit) failures never fall within \(interval): the waits between them alone take "
                        + "\(waits), so the unit is tried for ever"
                )
            )
        }
        return found
    }

    private static func knownSections(of type: UnitType) -> [String] {
        switch type {
        case .target, .device: ["Unit", "Install", FleetSection.name]
        case .service, .socket, .mount, .automount, .swap, .path, .timer, .slice, .scope:
            ["Unit", type.section, "Install", FleetSection.name]
        }
    }

    /// Options that reboot or halt a machine (systemd.unit(5), `FailureAction=`), with the older places of some.
    private static let actions: [(section: String, key: String)] = [
        ("Unit", "FailureAction"), ("Unit", "SuccessAction"), ("Unit", "StartLimitAction"),
        ("Unit", "JobTimeoutAction"), ("Service", "FailureAction"), ("Service", "StartLimitAction"),
    ]
}

extension ReschedulePolicy {
    /// The least time from the first to the last of `limit` failures: the second try comes at once, later ones wait.
    var shortestWaits: Duration {
        var (sum, wait) = (Duration.zero, delay)
        for _ in 0..<max(0, limit - 2) {
            sum += wait
            wait = min(wait + wait, maximumDelay)
        }
        return sum
    }
}
