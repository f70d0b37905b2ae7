package import UnitFile

/// The image of a `.container` file, before its unit's name has filled in the specifiers.
package struct QuadletImage: Hashable, Sendable {
    package var name: SpecifierText
    /// `Pull=` of Quadlet.
    package var policy: ImagePolicy?
    /// The file tells podman how or where to fetch it in ways that fleet does not follow: then podman is left to do it
    /// when the unit starts, unless fleet's own keys say otherwise.
    package var isPodmans: Bool

    /// nil for a file without an image of its own in a registry: a root file system, a `.image` or `.build` file's, an
    /// archive, one whose name depends on the machine.
    package init?(of kind: QuadletKind, _ file: ParsedUnitFile) {
        guard kind == .container, let text = file.lastValue(section: kind.section, key: "Image"), !text.isEmpty,
            QuadletKind(ofFile: text) == nil, let name = try? SpecifierText(text),
            !name.specifiers.contains(where: \.isPerMachine), ImageName(name.withoutSpecifiers) != nil
        else { return nil }
        self.name = name
        policy = file.lastValue(section: kind.section, key: "Pull").flatMap(ImagePolicy.init)
        isPodmans = Self.hasOwnWay(kind, file)
    }

    /// Options of podman that change where an image is looked for, and how; and variables that do.
    private static let options = [
        "arch", "authfile", "cert-dir", "creds", "decryption-key", "os", "platform", "root", "tls-verify", "variant",
    ]
    private static let variables = ["proxy", "registry_auth_file", "containers_", "storage_"]

    private static func hasOwnWay(_ kind: QuadletKind, _ file: ParsedUnitFile) -> Bool {
        let isConfigured = ["GlobalArgs", "ContainersConfModule"].contains {
            !file.options(section: kind.section, key: $0).isEmpty
        }
        let arguments = file.options(section: kind.section, key: "PodmanArgs").flatMap {
            $0.value.split(whereSeparator: \.isWhitespace)
        }
        let environment = file.options(section: "Service", key: "Environment").map { $0.value.lowercased() }
        return isConfigured
            || arguments.contains { argument in options.contains { argument.hasPrefix("--" + $0) } }
            || environment.contains { value in variables.contains { value.contains($0) } }
            || !file.options(section: "Service", key: "EnvironmentFile").isEmpty
    }
}

extension SpecifierText {
    /// With a letter for each specifier: enough to tell whether the rest is in order.
    var withoutSpecifiers: String {
        parts.map { part in if case .literal(let text) = part { text } else { "x" } }.joined()
    }
}

extension Unit {
    /// The image that has to be on a machine before this unit starts there; nil where that is podman's own affair.
    package var imagePull: ImagePull? {
        guard let image = quadlet?.image else { return nil }
        let isAsked = options.pullPolicy != nil || options.registryAuth != nil || intent.image != nil
        guard isAsked || !image.isPodmans, let name = intent.image ?? image.name.text(for: name) else { return nil }
        return ImagePull(
            name: name,
            policy: options.pullPolicy ?? image.policy ?? .missing,
            auth: options.registryAuth,
            timeout: options.pullTimeout
        )
    }
}
