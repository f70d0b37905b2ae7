import UnitFile

/// Where a check of `[X-Fleet]` cannot work: found before the file is stored.
struct HealthRules {
    let name: UnitName
    /// Set for a Quadlet file.
    let source: QuadletName?
    let file: ParsedUnitFile

    func check(_ section: FleetSection) throws(UnitFileError) {
        guard let key = FleetKey.healthChecks.first(where: { section.values[$0] != nil }),
            let option = section.values[key]?.last?.option
        else { return }
        guard name.type == .service else {
            throw file.error(
                at: option,
                "\(option.key)= works in a service; a \(name.type) unit does nothing that could be checked"
            )
        }
        if let source { try check(source.kind, key, option) }
        let isPrivate = file.lastValue(section: "Service", key: "PrivateNetwork")
            .map { ["1", "yes", "y", "true", "t", "on"].contains($0.lowercased()) }
        guard isPrivate == true, key != .healthCmd else { return }
        throw file.error(
            at: option,
            "\(option.key)= cannot reach a service with PrivateNetwork=yes; use HealthCmd=, which runs in its network"
        )
    }

    private func check(
        _ kind: QuadletKind,
        _ key: FleetKey,
        _ option: ParsedUnitFile.Option
    ) throws(UnitFileError) {
        guard [.container, .pod, .kube].contains(kind) else {
            throw file.error(
                at: option,
                "\(option.key)= does nothing in a .\(kind.rawValue) file, whose service runs once; remove it"
            )
        }
        guard key == .healthCmd else { return }
        throw file.error(
            at: option,
            "HealthCmd= of [X-Fleet] would run outside of the container; "
                + "use HealthCmd= and HealthOnFailure=kill of [Container], or HealthHTTP= or HealthTCP= of [X-Fleet] "
                + "with a published port"
        )
    }

    /// Checks of podman's that nobody acts on.
    var warnings: [UnitFileError] {
        guard source?.kind == .container else { return [] }
        guard let check = file.options(section: "Container", key: "HealthCmd").last,
            !["", "none"].contains(check.value)
        else { return [] }
        let action = file.lastValue(section: "Container", key: "HealthOnFailure")
        switch action {
        case "kill": return []
        case "stop":
            let option = file.options(section: "Container", key: "HealthOnFailure").last ?? check
            return [
                file.error(
                    at: option,
                    "HealthOnFailure=stop looks like an end in good order, after which the unit stays down; use kill"
                )
            ]
        case "restart":
            let option = file.options(section: "Container", key: "HealthOnFailure").last ?? check
            return [
                file.error(
                    at: option,
                    "HealthOnFailure=restart restarts the container behind systemd's back; use kill"
                )
            ]
        default:
            return [
                file.error(
                    at: check,
                    "podman marks the container unhealthy and nobody acts on it; add HealthOnFailure=kill"
                )
            ]
        }
    }
}
