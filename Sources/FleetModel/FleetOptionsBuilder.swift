import UnitFile

/// Makes `FleetOptions` out of a section's values. It runs once without a name when a file is parsed, passing over what
/// only a name decides, and once per name; the rules are the same.
struct FleetOptionsBuilder {
    let section: FleetSection
    /// nil while the name is not known.
    let name: UnitName?
    /// The Quadlet file that the section is in.
    let source: QuadletName?
    private(set) var options = FleetOptions()

    init(section: FleetSection, name: UnitName?, source: QuadletName? = nil) {
        self.section = section
        self.name = name
        self.source = source
    }

    mutating func build() throws(UnitFileError) {
        try readPlacement()
        options.isGlobal = try boolean(.global)
        options.atMostOnce = try boolean(.atMostOnce)
        options.reschedule = try policy()
        options.volumePolicy = try volumePolicy()
        options.health = try health()
        options.credentials = try credentials()
        if source?.kind == .container {
            options.podmanSecrets = PodmanSecret.all(in: section.file).filter { $0.unknown == nil }.map(\.name)
        }
        options.onChange = try changeResponse()
        options.pullPolicy = try pullPolicy()
        options.pullTimeout = try pullTimeout() ?? options.pullTimeout
        options.pinsImage = try boolean(.pinImage)
        options.registryAuth = try registryAuth()
        if let login = options.registryAuth {
            options.credentials.append(Credential(kind: .secret, name: login, id: .registryAuth))
        }
        try FleetRules(section: section, options: options.naming(\.standardService)).check()
    }

    // MARK: Placement

    private mutating func readPlacement() throws(UnitFileError) {
        options.machineID = try machineID()
        for value in section.values[.machineOf] ?? [] {
            if let file = try quadletFile(value) {
                try check(file, value)
                options.quadlets.machineOf.append(file)
            } else if let peer = try peer(value), !options.machineOf.contains(peer) {
                options.machineOf.append(peer)
            }
        }
        for value in section.values[.machineMetadata] ?? [] {
            guard let (key, wanted) = try metadata(value) else { continue }
            options.metadata[key, default: []].insert(wanted)
        }
        for value in section.values[.conflicts] ?? [] {
            if let file = try quadletFile(value) {
                options.quadlets.conflicts.append(file)
            } else if let pattern = try pattern(value) {
                options.conflicts.append(pattern)
            }
        }
        for value in section.values[.replaces] ?? [] {
            if let file = try quadletFile(value) {
                options.quadlets.replaces.append(file)
            } else if let pattern = try pattern(value) {
                options.replaces.append(pattern)
            }
        }
    }

    private func machineID() throws(UnitFileError) -> MachineText? {
        var found: (text: MachineText, value: FleetSection.Value)?
        for value in section.values[.machineID] ?? [] {
            guard let parts = try expand(value) else { continue }
            let text = MachineText(parts: parts.map(\.text))
            if let fixed = text.fixed { try checkMachineID(fixed, value) }
            if let first = found, first.text != text {
                throw error(
                    value,
                    "MachineID= is '\(text)' here and '\(first.text)' in line \(first.value.option.line); keep one"
                )
            }
            found = found ?? (text, value)
        }
        return found?.text
    }

    private func checkMachineID(_ text: String, _ value: FleetSection.Value) throws(UnitFileError) {
        let isHexadecimal = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard !isHexadecimal || (text.utf8.count != 32 && text.utf8.count != 8) else { return }
        let bare = text.filter { $0 != "-" }.lowercased()
        let wayOut =
            bare != text && MachineID(bare) != nil
            ? "write MachineID=\(bare)"
            : "give the 32 hexadecimal digits of /etc/machine-id, or the first 8, which fleetctl list-machines prints"
        throw error(value, "'\(text.printable())' is not a machine id; \(wayOut)")
    }

    /// nil for what is the name of no Quadlet file; patterns are none, because no file's name has a `*` in it.
    private func quadletFile(_ value: FleetSection.Value) throws(UnitFileError) -> QuadletName? {
        guard let text = try expandedText(value) else { return nil }
        return try? QuadletName(text)
    }

    private func check(_ peer: QuadletName, _ value: FleetSection.Value) throws(UnitFileError) {
        guard !peer.isTemplate else {
            throw error(value, "MachineOf=\(peer) is a template, which runs nowhere; name an instance of it")
        }
        guard peer != source else {
            throw error(value, "MachineOf=\(peer) is this unit itself; remove the line")
        }
    }

    private func peer(_ value: FleetSection.Value) throws(UnitFileError) -> UnitName? {
        guard let text = try expandedText(value) else { return nil }
        let peer: UnitName
        do {
            peer = try UnitName(text)
        } catch {
            let isShort = (try? UnitName(text + ".service")) != nil
            let wayOut =
                isShort
                ? "did you mean \(text).service?" : "MachineOf= takes whole unit names, patterns do not work there"
            throw self.error(value, "MachineOf=\(text.printable()): \(error); \(wayOut)")
        }
        guard !peer.isTemplate else {
            throw error(value, "MachineOf=\(peer) is a template, which runs nowhere; name an instance of it")
        }
        guard peer != name else {
            throw error(value, "MachineOf=\(peer) is this unit itself; remove the line")
        }
        return peer
    }

    private func metadata(_ value: FleetSection.Value) throws(UnitFileError) -> (String, MachineText)? {
        let wayOut = "write MachineMetadata=key=value, one per line or each in quotes"
        var sides: [[SpecifierText.Part]] = [[]]
        // The `=` is looked for in what the file says, not in what an instance puts in.
        for part in value.text.parts {
            guard case .literal(let text) = part else {
                sides[sides.count - 1].append(part)
                continue
            }
            let pieces = text.utf8.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
            for (index, piece) in pieces.enumerated() {
                if index > 0 { sides.append([]) }
                sides[sides.count - 1].append(.literal(String(Substring(piece))))
            }
        }
        guard sides.count == 2 else {
            let count = sides.count == 1 ? "no '='" : "more than one '='"
            throw error(value, "'\(value.source.printable())' has \(count); \(wayOut)")
        }
        guard let left = try expand(sides[0], value), let right = try expand(sides[1], value) else { return nil }
        let wanted = MachineText(parts: right.map(\.text)).trimmed
        guard let key = MachineText(parts: left.map(\.text)).trimmed.fixed else {
            throw error(value, "the key in '\(value.source.printable())' depends on the machine; only its value can")
        }
        guard !key.isEmpty, wanted.fixed?.isEmpty != true else {
            let side = key.isEmpty ? "key before" : "value behind"
            throw error(value, "'\(value.source.printable())' has no \(side) the '='; \(wayOut)")
        }
        return (key, wanted)
    }

    private func pattern(_ value: FleetSection.Value) throws(UnitFileError) -> UnitPattern? {
        guard let parts = try expand(value) else { return nil }
        let glob = parts.map { part in
            guard case .literal(let text) = part.text else { return "" }
            // What a specifier stands for is meant as it is; a `\x2d` that a user wrote is part of an escaped name.
            return part.isFromSpecifier ? UnitPattern.quoting(text) : UnitPattern.keepingEscapes(text)
        }.joined()
        do {
            return try UnitPattern(validating: glob)
        } catch {
            throw self.error(value, "\(value.option.key)=: \(error)")
        }
    }

    // MARK: Specifiers

    private struct Expanded {
        let text: MachineText.Part
        let isFromSpecifier: Bool
    }

    private func expand(_ value: FleetSection.Value) throws(UnitFileError) -> [Expanded]? {
        try expand(value.text.parts, value)
    }

    /// nil when the name that decides is not known.
    private func expand(
        _ parts: [SpecifierText.Part],
        _ value: FleetSection.Value
    ) throws(UnitFileError) -> [Expanded]? {
        var expanded: [Expanded] = []
        for part in parts {
            switch part {
            case .literal(let text): expanded.append(Expanded(text: .literal(text), isFromSpecifier: false))
            case .specifier(.machineID): expanded.append(Expanded(text: .machineID, isFromSpecifier: true))
            case .specifier(.hostname): expanded.append(Expanded(text: .hostname, isFromSpecifier: true))
            case .specifier(let specifier):
                guard let name, !(name.isTemplate && specifier.needsInstance) else { return nil }
                do {
                    let text = try specifier.text(for: name) ?? ""
                    expanded.append(Expanded(text: .literal(text), isFromSpecifier: true))
                } catch {
                    throw self.error(value, "%\(specifier.rawValue) in \(value.option.key)=: \(error)")
                }
            }
        }
        return expanded
    }

    /// For keys that take no machine specifiers.
    func expandedText(_ value: FleetSection.Value) throws(UnitFileError) -> String? {
        guard let parts = try expand(value) else { return nil }
        return MachineText(parts: parts.map(\.text)).fixed
    }

    func error(_ value: FleetSection.Value, _ message: String) -> UnitFileError {
        section.file.error(at: value.option, message)
    }
}
