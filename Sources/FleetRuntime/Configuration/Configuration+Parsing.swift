extension Configuration {
    /// Reads fleet.conf and then the variables, which win (`FLEET_AGENT_TTL=20s`). Lines are `key = value`; `#` and `;`
    /// begin a comment line; a value may stand in double quotes. A `[section]` line is refused: fleet.conf has none.
    ///
    /// Throws for an unknown key, a value that is not of the key's form, and a key that is set twice.
    package static func load(
        file text: String?,
        path: String,
        environment: [String: String]
    ) throws(ConfigurationError) -> LoadedConfiguration {
        var loaded = LoadedConfiguration(configuration: Configuration(), warnings: [])
        var lines: [String: Int] = [:]
        var places: [String: String] = [:]
        // "\r\n" is one Character.
        let all = (text ?? "").split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in all.enumerated() {
            let place = "\(path):\(index + 1)"
            guard let (key, value) = try keyAndValue(String(line), place) else { continue }
            if let first = lines[key] {
                throw ConfigurationError(place: place, message: "\(key) is set in line \(first) already; keep one")
            }
            lines[key] = index + 1
            places[key] = place
            try loaded.set(key, value, place, environment)
        }
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix("FLEET_") {
            let key = variable.dropFirst("FLEET_".count).lowercased()
            places[key] = "the variable \(variable)"
            try loaded.set(key, unquoted(value), "the variable \(variable)", environment)
        }
        try loaded.check(places, environment: environment)
        return loaded
    }

    private static func keyAndValue(_ line: String, _ place: String) throws(ConfigurationError) -> (String, String)? {
        let line = trimmed(line)
        guard let first = line.first, first != "#", first != ";" else { return nil }
        guard first != "[" else {
            throw ConfigurationError(place: place, message: "fleet.conf has no sections; remove \(line)")
        }
        guard let equals = line.firstIndex(of: "=") else {
            throw ConfigurationError(place: place, message: "this is not `key = value`; a comment starts with #")
        }
        let key = trimmed(String(line[..<equals]))
        return (key, unquoted(trimmed(String(line[line.index(after: equals)...]))))
    }

    private static func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
        let start = text.firstIndex { !isBlank($0) } ?? text.endIndex
        let end = text.lastIndex { !isBlank($0) }.map { text.index(after: $0) } ?? start
        return String(text[start..<end])
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return text }
        return String(text.dropFirst().dropLast())
    }
}

extension LoadedConfiguration {
    fileprivate mutating func set(
        _ key: String,
        _ value: String,
        _ place: String,
        _ environment: [String: String]
    ) throws(ConfigurationError) {
        if let setting = ConfigurationKey.all[key] {
            do throws(ConfigurationValueError) {
                try setting.apply(setting.isPath ? path(value, environment) : value, &configuration)
            } catch {
                // A secret is not repeated where the journal keeps it.
                let shown = setting.isSecret ? key : "\(key) = \(value)"
                throw ConfigurationError(place: place, message: "\(shown): \(error.message)")
            }
        } else if let instead = ConfigurationKey.retired[key] {
            warnings.append("\(place): \(key) no longer does anything: \(instead)")
        } else {
            let known = ConfigurationKey.all.keys.sorted().joined(separator: ", ")
            throw ConfigurationError(place: place, message: "unknown key \"\(key)\"; the keys are \(known)")
        }
    }

    /// An absolute path; `%d/` at its beginning is systemd's folder of the service's credentials.
    private func path(_ text: String, _ environment: [String: String]) throws(ConfigurationValueError) -> String {
        if text.hasPrefix("/") { return text }
        guard text.hasPrefix("%d/") else {
            throw ConfigurationValueError(message: "give an absolute path, or %d/NAME for a credential of systemd's")
        }
        guard let folder = environment[Self.credentials] else {
            throw ConfigurationValueError(message: "there are no credentials: add LoadCredential= to fleetd.service")
        }
        return folder + text.dropFirst(2)
    }
}
