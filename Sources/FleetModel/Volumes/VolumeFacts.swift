package import UnitFile

/// Which volumes a unit file names, before its unit's name has filled in the specifiers. Anonymous volumes and paths of
/// the machine are none, and so is what fleet does not read: `PodmanArgs=`, and the YAML of `.kube` files.
package struct VolumeFacts: Hashable, Sendable {
    /// `Volume=NAME:/path`, and `Mount=type=volume,source=NAME,...`
    package var names: [SpecifierText] = []
    /// The same with the name of a `.volume` file, sorted.
    package var files: [QuadletName] = []
    /// Pods and containers that run beside this one (`Pod=`, `Network=x.container`, `Requires=x.container`): they use
    /// their volumes where this one is. Sorted.
    package var beside: [QuadletName] = []
    /// `StateDirectory=`
    package var states: [SpecifierText] = []
    /// `VolumeName=` of a `.volume` file.
    package var own: SpecifierText?
    /// A `.volume` file says that its data are somewhere else than in podman's folder for it, or come from there: with
    /// the container stopped, that folder says nothing of them.
    package var isOpaque = false

    package init() {}

    /// What makes a `.volume` file's data be elsewhere (podman-systemd.unit(5)). `PodmanArgs=` may say anything.
    private static let opaqueKeys = ["Device", "Type", "Options", "Driver", "Image", "PodmanArgs", "GlobalArgs"]

    /// `kind` is nil for a unit file of systemd's. What has an error is passed over.
    package init(of kind: QuadletKind?, _ file: ParsedUnitFile) {
        self.init()
        for option in file.optionsInForce(section: "Service", key: "StateDirectory") {
            for word in option.value.split(whereSeparator: \.isWhitespace) {
                let path = word.prefix { $0 != ":" }
                if let text = try? SpecifierText(String(path)), !path.isEmpty { states.append(text) }
            }
        }
        guard let kind else { return }
        if kind == .volume, let option = file.options(section: kind.section, key: "VolumeName").last {
            own = option.value.isEmpty ? nil : try? SpecifierText(option.value)
        }
        if kind == .volume {
            isOpaque = Self.opaqueKeys.contains { key in
                file.options(section: kind.section, key: key).contains { !$0.value.isEmpty }
            }
        }
        var found: Set<QuadletName> = []
        for (_, source) in Self.sources(of: kind, file) {
            if QuadletKind(ofFile: source) == .volume {
                if let name = try? QuadletName(source) { found.insert(name) }
            } else if let text = try? SpecifierText(source) {
                names.append(text)
            }
        }
        files = found.sorted()
        let named = file.references(of: kind).filter(\.starts).compactMap { try? QuadletName($0.text) }
        beside = Set(named.filter { $0.kind == .pod || $0.kind == .container }).sorted()
    }

    package var isEmpty: Bool { self == VolumeFacts() }

    /// The sources of `Volume=` and `Mount=` that name a volume, with their options.
    static func sources(
        of kind: QuadletKind,
        _ file: ParsedUnitFile
    ) -> [(option: ParsedUnitFile.Option, source: String)] {
        guard kind == .container || kind == .pod else { return [] }
        var found: [(option: ParsedUnitFile.Option, source: String)] = []
        for option in file.optionsInForce(section: kind.section, key: "Volume") {
            // A source alone is an anonymous volume's target.
            guard let colon = option.value.firstIndex(of: ":") else { continue }
            found.append((option, String(option.value[..<colon])))
        }
        for option in file.optionsInForce(section: kind.section, key: "Mount") {
            let mount = QuadletMount(option.value)
            if mount.type == "volume", let source = mount.source { found.append((option, source)) }
        }
        return found.filter { !isPath($0.source) }
    }

    /// Also one that begins in a specifier which stands for a folder (systemd.unit(5)).
    private static func isPath(_ source: String) -> Bool {
        let folders = ["%h", "%t", "%S", "%C", "%L", "%E", "%T", "%V", "%d", "%D", "%y", "%Y"]
        return source.isEmpty || source.contains("/") || source.hasPrefix(".") || source.hasPrefix("~")
            || folders.contains { source.hasPrefix($0) }
    }
}

/// The volumes of one unit, as its own file has them.
package struct UnitVolumes: Hashable, Sendable {
    package var names: [VolumeName] = []
    package var files: [QuadletName] = []
    package var beside: [QuadletName] = []
    package var states: [VolumeName] = []
    /// What a `.volume` file makes; its users fill in specifiers with their own names, as podman does.
    package var own: SpecifierText?
    /// `VolumeFacts.isOpaque`
    package var isOpaque = false

    package init() {}

    package init(_ facts: VolumeFacts, unit: UnitName, source: QuadletName?) {
        names = facts.names.compactMap { VolumeName($0, of: unit) }
        files = facts.files
        beside = facts.beside
        states = facts.states.compactMap { text in text.text(for: unit).flatMap(VolumeName.init(state:)) }
        if let source, source.kind == .volume { own = facts.own ?? .standardVolume(source) }
        isOpaque = facts.isOpaque
    }

    package var isEmpty: Bool { self == UnitVolumes() }
}

extension SpecifierText {
    /// What podman calls the volume of a `.volume` file that says nothing of it.
    package static func standardVolume(_ source: QuadletName) -> SpecifierText {
        SpecifierText(parts: [.literal("systemd-" + source.stem)])
    }

    /// The text for this unit; nil when it depends on the machine, or the unit's name has no valid escapes.
    package func text(for unit: UnitName) -> String? {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .specifier(let specifier):
                guard let expanded = try? specifier.text(for: unit) else { return nil }
                text += expanded
            }
        }
        return text
    }
}

extension VolumeName {
    /// nil when the text is no name of a volume for this unit.
    package init?(_ text: SpecifierText, of unit: UnitName) {
        guard let text = text.text(for: unit), let name = try? VolumeName(text), name.statePath == nil else {
            return nil
        }
        self = name
    }
}
