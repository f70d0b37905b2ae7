/// A place in a Quadlet file that names another Quadlet file: `Network=app.network`, say. Quadlet's generator refuses a
/// file whose siblings it does not find beside it.
package struct QuadletReference: Hashable, Sendable {
    package let option: ParsedUnitFile.Option
    /// The file's name as it stands there.
    package let text: String
    package let key: String

    /// systemd starts the other's service with this one.
    package var starts: Bool { !QuadletReference.mereOrder.contains(key) && !QuadletReference.mereEnds.contains(key) }
    /// systemd stops this one's service with the other's.
    package var ties: Bool { !QuadletReference.mereOrder.contains(key) && !QuadletReference.mereStarts.contains(key) }

    /// Keys of `[Unit]` that do neither (systemd.unit(5)).
    private static let mereOrder: Set<String> = [
        "After", "Before", "Conflicts", "PropagatesReloadTo", "PropagatesStopTo", "ReloadPropagatedFrom",
    ]
    private static let mereStarts: Set<String> = ["OnFailure", "OnSuccess", "Upholds", "Wants"]
    private static let mereEnds: Set<String> = ["PartOf", "Requisite", "StopPropagatedFrom"]
}

extension ParsedUnitFile {
    /// Every reference of a file of this kind to another Quadlet file, in the order of the file; what follows
    /// podman-systemd.unit(5) for podman 5.4 and newer.
    package func references(of kind: QuadletKind) -> [QuadletReference] {
        let forgotten = forgottenOptions(of: kind)
        return sections.flatMap { section in
            section.options.filter { !forgotten.contains($0) }.flatMap { option in
                Self.names(in: option, section: section.name, of: kind)
                    .map { QuadletReference(option: option, text: $0, key: option.key) }
            }
        }
    }

    /// Assignments that later ones undo: an empty one, in a list, and any, of a key that takes one value.
    private func forgottenOptions(of kind: QuadletKind) -> Set<Option> {
        let lists = ["Network", "Volume", "Mount"].flatMap { key in
            options(section: kind.section, key: key).dropLast(optionsInForce(section: kind.section, key: key).count)
        }
        let single = ["Pod", "Image"].flatMap { options(section: kind.section, key: $0).dropLast() }
        return Set(lists + single)
    }

    /// The service's name without its suffix that `ServiceName=` gives to a file of this kind; nil for the usual one.
    package func serviceNameOption(of kind: QuadletKind) -> Option? {
        options(section: kind.section, key: "ServiceName").last.flatMap { $0.value.isEmpty ? nil : $0 }
    }

    /// The names in one option. A value that is a path, an image or a network of the machine is none.
    private static func names(in option: Option, section: String, of kind: QuadletKind) -> [String] {
        if section == "Unit" {
            guard dependencyKeys.contains(option.key) else { return [] }
            return option.value.split(whereSeparator: \.isWhitespace).map(String.init)
                .filter { QuadletKind(ofFile: $0) != nil }
        }
        guard section == kind.section else { return [] }
        switch option.key {
        case "Network": return name(option.value.upTo(":"), ending: [.network, .container])
        case "Pod": return name(option.value, ending: [.pod])
        case "Image" where kind != .image: return name(option.value, ending: [.image, .build])
        case "Volume":
            // A source alone is an anonymous volume's target.
            return option.value.contains(":") ? name(option.value.upTo(":"), ending: [.volume]) : []
        case "Mount": return names(in: QuadletMount(option.value))
        default: return []
        }
    }

    private static func names(in mount: QuadletMount) -> [String] {
        guard let source = mount.source else { return [] }
        switch mount.type {
        case "volume": return name(source, ending: [.volume])
        // Of a `.build` file podman makes nothing there.
        case "image": return name(source, ending: [.image])
        default: return []
        }
    }

    /// An absolute or relative path is no name, whatever it ends in, nor is an image with a registry or a repository.
    private static func name(_ text: String, ending kinds: [QuadletKind]) -> [String] {
        guard let kind = QuadletKind(ofFile: text), kinds.contains(kind), !text.contains("/"), !text.hasPrefix(".")
        else { return [] }
        return [text]
    }

    /// The options of `[Unit]` in which podman takes the name of a Quadlet file for that of its service.
    private static let dependencyKeys: Set<String> = [
        "After", "Before", "BindsTo", "Conflicts", "OnFailure", "OnSuccess", "PartOf", "PropagatesReloadTo",
        "PropagatesStopTo", "ReloadPropagatedFrom", "Requires", "Requisite", "StopPropagatedFrom", "Upholds", "Wants",
    ]
}

extension String {
    /// All before the first `end`, or everything.
    fileprivate func upTo(_ end: Character) -> String { firstIndex(of: end).map { String(self[..<$0]) } ?? self }
}
