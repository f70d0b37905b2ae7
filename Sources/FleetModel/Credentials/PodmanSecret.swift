package import UnitFile

/// `Secret=` of `[Container]` (podman-systemd.unit(5)): podman's own, unless the registry has a secret of that name.
/// Then fleet delivers that one, in the same place, and podman hears nothing of it: it would write it to the disk in
/// plain text, whatever driver has it (seen with podman 5.4, in the container's `userdata/secrets`).
package struct PodmanSecret: Hashable, Sendable {
    package var name: CredentialName
    /// As the file has it.
    package var text: String
    /// Where the container finds it, when that is not `/run/secrets/NAME`.
    package var target: String?
    /// What of it fleet cannot do, such as `type=env`; nil for nothing.
    package var unknown: String?
    package var option: ParsedUnitFile.Option

    /// The secrets of a `.container` file, in its order, whose names are ones that fleet may have.
    package static func all(in file: ParsedUnitFile) -> [PodmanSecret] {
        words(in: file).compactMap { PodmanSecret($0.text, $0.option) }
    }

    /// All words of the file's `Secret=`, those that can only be podman's included. An empty assignment forgets those
    /// before it.
    package static func words(in file: ParsedUnitFile) -> [(text: String, option: ParsedUnitFile.Option)] {
        let options = file.options(section: QuadletKind.container.section, key: "Secret")
        let first = options.lastIndex { $0.value.isEmpty }.map { $0 + 1 } ?? 0
        return options[first...].flatMap { option in
            option.value.split(whereSeparator: \.isWhitespace).map { (String($0), option) }
        }
    }

    /// nil for a name that no secret of fleet's has.
    package init?(_ text: String, _ option: ParsedUnitFile.Option) {
        let parts = text.split(separator: ",").map(String.init)
        guard let name = parts.first.flatMap({ CredentialName($0) }), name != .registryAuth else { return nil }
        (self.name, self.text, self.option) = (name, text, option)
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            switch (pair.first, pair.last) {
            case ("type", "mount"): continue
            case ("target", let path?) where pair.count == 2 && !path.contains(where: { ":%".contains($0) }):
                target = path.hasPrefix("/") ? path : "/run/secrets/" + path
            default: unknown = unknown ?? part
            }
        }
        if target == "/run/secrets/\(name)" { target = nil }
    }
}
