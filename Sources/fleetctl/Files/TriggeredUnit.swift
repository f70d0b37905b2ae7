import UnitFile

/// The unit that a socket, timer or path starts. systemd-analyze does not take the one for right without the other.
enum TriggeredUnit {
    /// What `inputs` start and do not have among them: the files that lie beside them, or a stand-in, because what
    /// starts may come from the registry or from a Quadlet file.
    static func files(for inputs: [SystemdAnalyze.Input]) throws(Failure) -> [SystemdAnalyze.Input] {
        var known = Set(inputs.map(\.name))
        var found: [SystemdAnalyze.Input] = []
        for input in inputs {
            guard let name = name(of: input) else { continue }
            let isThere = known.contains(name) || name.template.map(known.contains) ?? false
            guard !isThere, known.insert(name).inserted else { continue }
            if let file = try file(of: name, beside: input.file.path) {
                found.append(file)
            } else if name.type == .service {
                found.append(SystemdAnalyze.Input(name: name, file: LocalFile(path: "", text: standIn)))
            }
        }
        return found
    }

    private static func file(of unit: UnitName, beside path: String) throws(Failure) -> SystemdAnalyze.Input? {
        let folder = path.dropLast(UnitName.baseName(of: path).count)
        for name in [unit, unit.template] {
            guard let name, let file = try LocalFile.read(folder + name.description) else { continue }
            return SystemdAnalyze.Input(name: name, file: file)
        }
        return nil
    }

    private static let standIn = "[Service]\nExecStart=/bin/true\n"

    /// systemd.socket(5), systemd.timer(5), systemd.path(5)
    private static func name(of input: SystemdAnalyze.Input) -> UnitName? {
        guard let file = try? ParsedUnitFile.parse(input.file.text) else { return nil }
        let key: String
        switch input.name.type {
        case .socket: key = "Service"
        case .timer, .path: key = "Unit"
        case .service, .mount, .automount, .swap, .target, .slice, .scope, .device: return nil
        }
        let section = input.name.type.section
        func last(_ key: String) -> String? { file.options(section: section, key: key).last?.value }
        if input.name.type == .socket, ["1", "yes", "y", "true", "t", "on"].contains(last("Accept")?.lowercased()) {
            return try? UnitName(input.name.stem + "@.service")
        }
        let given = last(key).map { SpecifierText.expand($0, for: input.name) } ?? ""
        return try? UnitName(given.isEmpty ? input.name.stem + ".service" : given)
    }
}
