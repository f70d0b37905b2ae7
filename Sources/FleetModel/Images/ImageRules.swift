import UnitFile

/// `PullPolicy=`, `PullTimeoutSec=`, `PinImage=` and `RegistryAuth=`.
extension FleetOptionsBuilder {
    func pullPolicy() throws(UnitFileError) -> ImagePolicy? {
        guard let (text, value) = try last(.pullPolicy) else { return nil }
        if let policy = ImagePolicy(rawValue: text) { return policy }
        let known = ImagePolicy.allCases.map(\.rawValue).joined(separator: ", ")
        throw error(value, "PullPolicy=\(text.printable()) is unknown; write one of \(known)")
    }

    func pullTimeout() throws(UnitFileError) -> Duration? {
        guard let (text, value) = try last(.pullTimeout) else { return nil }
        switch TimeSpan.parse(text) {
        case .finite(let span) where span >= .seconds(1): return span
        case .infinite: return Limits.longestSpan
        case .finite, nil:
            throw error(
                value,
                "PullTimeoutSec=\(text.printable()) is not a time span of at least 1s; write seconds, or units as in "
                    + "1h 30min, or infinity"
            )
        }
    }

    func registryAuth() throws(UnitFileError) -> CredentialName? {
        guard let (text, value) = try last(.registryAuth) else { return nil }
        guard let name = CredentialName(text) else {
            throw error(value, "RegistryAuth=\(text.printable()) is not the name of a secret; \(CredentialName.rule)")
        }
        return name
    }
}

/// Where these keys make sense: found before a unit file is stored.
struct ImageRules {
    let name: UnitName
    let source: QuadletName?
    let file: ParsedUnitFile
    let section: FleetSection
    let options: FleetOptions

    /// Files that podman fetches images for.
    private static let fetching: Set<QuadletKind> = [.container, .image, .build, .kube]

    func check() throws(UnitFileError) {
        if let place = option(.registryAuth), !(source.map { Self.fetching.contains($0.kind) } ?? false) {
            throw file.error(
                at: place,
                "RegistryAuth= is for Quadlet files that podman fetches images for (.container, .image, .build, .kube)"
            )
        }
        let image = source.flatMap { QuadletImage(of: $0.kind, file) }
        for key in [FleetKey.pullPolicy, .pullTimeout, .pinImage] {
            guard let place = option(key), image == nil else { continue }
            let own = source?.kind == .container ? file.options(section: "Container", key: "Image").last : nil
            let why =
                own.map { "Image=\($0.value.printable(limit: 60)) is none" } ?? "only .container files have one"
            throw file.error(
                at: place,
                "\(place.key)= is about an image that is fetched from a registry, and \(why); remove the line"
            )
        }
        guard options.pinsImage, let place = option(.pinImage), let image else { return }
        if name.isTemplate, image.name.specifiers.contains(where: \.needsInstance) {
            throw file.error(
                at: place,
                "PinImage= cannot know a template's image while Image= has an instance's specifier; remove one of them"
            )
        }
        guard let text = image.name.text(for: name), let short = ImageName(text), short.registry == nil else { return }
        // Each machine's podman has a list of its own.
        throw file.error(
            at: place,
            "PinImage= cannot know which registry Image=\(text.printable(limit: 60)) is in; write it out, as in "
                + "docker.io/\(short.path.contains("/") ? "" : "library/")\(text.printable(limit: 60))"
        )
    }

    private func option(_ key: FleetKey) -> ParsedUnitFile.Option? {
        if key == .pinImage, !options.pinsImage { return nil }
        return section.values[key]?.last?.option
    }
}
