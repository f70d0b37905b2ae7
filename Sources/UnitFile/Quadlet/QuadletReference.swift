/// A place in a Quadlet file that names another Quadlet file: `Network=app.network`, say. Quadlet's generator refuses a
/// file whose siblings it does not find beside it.
package struct QuadletReference: Hashable, Sendable {
    package let option: ParsedUnitFile.Option
    /// The file's name as it stands there.
    package let text: String
    package let key: String
}

extension ParsedUnitFile {
    /// Every reference of a file of this kind to another Quadlet file, in the order of the file; what follows
    /// podman-systemd.unit(5) for podman 5.4 and newer.
    package func references(of kind: QuadletKind) -> [QuadletReference] {
        sections.flatMap { section in
            section.options.flatMap { option in
                Self.names(in: option, section: section.name, of: kind)
                    .map { QuadletReference(option: option, text: $0, key: option.key) }
            }
        }
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
        case "Mount": return names(inMount: option.value)
        default: return []
        }
    }

    private static func names(inMount value: String) -> [String] {
        var (type, source) = ("volume", "")
        for part in value.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "type": type = pair[1]
            case "source", "src": source = pair[1]
            default: continue
            }
        }
        switch type {
        case "volume": return name(source, ending: [.volume])
        case "image": return name(source, ending: [.image, .build])
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
