package import UnitFile

/// `[X-Fleet]` of one unit file: read and checked as far as that goes without a unit name, specifiers not yet
/// expanded, so that one parsed template serves all its instances.
///
/// fleet ignored what it did not understand here, and a unit with a misspelt constraint ran anywhere. Here every key is
/// known and every value has a meaning, or the file is refused with the line and the way out.
package struct FleetSection: Sendable {
    /// One value: a line may hold several, in quotes or, for lists of names, separated by white space.
    struct Value: Sendable {
        let text: SpecifierText
        /// As it is written.
        let source: String
        let option: ParsedUnitFile.Option
    }

    static let name = "X-Fleet"

    let file: ParsedUnitFile
    /// In the order of the file. A key that is present has at least one value: an empty assignment forgets those
    /// before.
    private(set) var values: [FleetKey: [Value]] = [:]
    /// The spellings that are accepted and old, in the order of the file.
    private(set) var deprecated: [ParsedUnitFile.Option] = []

    package static func parse(_ file: ParsedUnitFile) throws(UnitFileError) -> FleetSection {
        var section = FleetSection(file: file)
        for part in file.sections {
            guard part.name == name else {
                try section.checkSectionName(part)
                continue
            }
            for option in part.options { try section.read(option) }
        }
        // All that does not depend on the unit's name is found now.
        var builder = FleetOptionsBuilder(section: section, name: nil)
        try builder.build()
        return section
    }

    /// What the section asks for when the unit is called `name`. For a template, values that name the instance are left
    /// out: no machine runs a template, and its instances are checked one by one.
    ///
    /// Which units its names of Quadlet files mean is for `FleetOptions.naming(_:)`. `source` is the Quadlet file that
    /// the section is in.
    package func options(
        for name: UnitName,
        source: QuadletName? = nil
    ) throws(UnitFileError) -> FleetOptions {
        var builder = FleetOptionsBuilder(section: self, name: name, source: source)
        try builder.build()
        return builder.options
    }

    /// An error at the last value of a key; without a line where the file has none.
    package func error(atKey key: String, _ message: String) -> UnitFileError {
        guard let option = FleetKey(key).flatMap({ values[$0]?.last?.option }) else {
            return UnitFileError(path: file.path, message: message)
        }
        return file.error(at: option, message)
    }

    private init(file: ParsedUnitFile) { self.file = file }

    private mutating func read(_ option: ParsedUnitFile.Option) throws(UnitFileError) {
        guard let key = FleetKey(option.key) else { throw unknown(option) }
        if key.rawValue != option.key { deprecated.append(option) }
        guard !option.value.isEmpty else {
            values[key] = nil
            return
        }
        for quoted in key.keepsQuotes ? [option.value] : try split(option) {
            let sources =
                key.separatesOnSpace ? quoted.split(whereSeparator: \.isWhitespace).map(String.init) : [quoted]
            for source in sources { values[key, default: []].append(try value(source, of: key, at: option)) }
            guard values[key, default: []].count <= Limits.valuesPerKey else {
                throw file.error(
                    at: option,
                    "\(option.key)= has more than \(Limits.valuesPerKey) values; use a pattern or split the unit"
                )
            }
        }
    }

    private func value(
        _ source: String,
        of key: FleetKey,
        at option: ParsedUnitFile.Option
    ) throws(UnitFileError) -> Value {
        let text: SpecifierText
        do {
            text = try SpecifierText(source)
        } catch {
            throw file.error(at: option, "\(option.key)= has \(error)")
        }
        if !key.takesMachineSpecifiers, let open = text.specifiers.first(where: \.isPerMachine) {
            throw file.error(
                at: option,
                "\(option.key)= cannot depend on the machine (%\(open.rawValue)); "
                    + "only MachineID= and the values of MachineMetadata= can"
            )
        }
        return Value(text: text, source: source, option: option)
    }

    /// Several values on one line as fleet wrote them: `"a" "b"`. A value that does not begin in a quote is one value.
    private func split(_ option: ParsedUnitFile.Option) throws(UnitFileError) -> [String] {
        guard option.value.utf8.first == UInt8(ascii: "\"") else { return [option.value] }
        let wayOut = "write \(option.key)=\"one\" \"two\", or one value per line without quotes"
        var found: [String] = []
        var rest = option.value.unicodeScalars[...]
        while !rest.isEmpty {
            guard rest.removeFirst() == "\"" else {
                throw file.error(at: option, "\(option.key)= has text outside the quotes; \(wayOut)")
            }
            guard let end = rest.firstIndex(of: "\"") else {
                throw file.error(at: option, "\(option.key)= has a quote that is not closed; \(wayOut)")
            }
            let content = String(rest[..<end])
            guard content.contains(where: { !$0.isWhitespace }) else {
                throw file.error(at: option, "\(option.key)= has an empty value in quotes; \(wayOut)")
            }
            found.append(content)
            rest = rest[end...].dropFirst()
            let gap = rest.prefix { $0.properties.isWhitespace }.count
            guard gap > 0 || rest.isEmpty else {
                throw file.error(at: option, "\(option.key)= has no space after a closing quote; \(wayOut)")
            }
            rest = rest.dropFirst(gap)
        }
        return found
    }

    private func unknown(_ option: ParsedUnitFile.Option) -> UnitFileError {
        let keys = FleetKey.allCases.map(\.rawValue)
        let wayOut =
            Spelling.nearest(to: option.key, among: keys + ["X-Conflicts"]).map { "did you mean \($0)=?" }
            ?? "[X-Fleet] has " + keys.map { $0 + "=" }.joined(separator: " ")
        return UnitFileError(
            path: file.path,
            line: option.line,
            column: option.column,
            message: "unknown key \(option.key.printable(limit: 40))= in [X-Fleet]; \(wayOut)"
        )
    }

    /// systemd passes over every section that begins in `X-`, so a misspelt `[X-Fleet]` would be dropped by everybody.
    private func checkSectionName(_ section: ParsedUnitFile.Section) throws(UnitFileError) {
        guard (Self.name.utf8.count - 1...Self.name.utf8.count + 1).contains(section.name.utf8.count),
            Spelling.distance(section.name.lowercased(), Self.name.lowercased()) <= 1
        else { return }
        throw UnitFileError(
            path: file.path,
            line: section.line,
            column: section.column,
            message: "unknown section [\(section.name.printable(limit: 40))]; did you mean [X-Fleet]?"
        )
    }
}
