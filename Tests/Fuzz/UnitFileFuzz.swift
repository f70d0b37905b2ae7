// Entry point of libFuzzer: throws arbitrary bytes at everything that reads what users write. A trap anywhere, or a
// broken law below, ends the run with the input in a file. Built and run by `Tests/Fuzz/run`.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    fuzzFile(bytes)
    // Long inputs are for the file alone: nothing below reads more than a name or a value, and most of the time would
    // go into texts that no name can have.
    guard bytes.count <= 160, let text = String(validating: bytes, as: UTF8.self) else { return 0 }
    fuzzNames(text)
    fuzzEscapes(text)
    fuzzPattern(text)
    _ = TimeSpan.parse(text)
    _ = try? SpecifierText(text)
    return 0
}

/// The names that `[X-Fleet]` is expanded for: plain, a template, an instance with escapes, and one with a bad escape.
let fuzzedNames = ["web.service", "web@.service", "a-b@c\\x2dd-e.timer", "x\\y@1.socket"].compactMap {
    try? UnitName($0)
}

func fuzzFile(_ bytes: [UInt8]) {
    guard let file = try? ParsedUnitFile.parse(bytes: bytes, path: "fuzz") else { return }
    precondition(Array(file.print().utf8) == bytes, "printing is not the identity")
    let section = try? FleetSection.parse(file)
    // A part of the laws per input, so that an input costs little; which part depends on the input.
    let name = fuzzedNames[bytes.count % fuzzedNames.count]
    let options = try? section?.options(for: name)
    switch bytes.count / fuzzedNames.count % 3 {
    case 0: checkPlaces(file, bytes)
    case 1: checkCanonicalForm(file)
    default:
        if let valid = try? UnitValidation.validate(name: name, text: file.text) {
            precondition(valid.2 == options, "validation and the section disagree")
        }
        _ = UnitValidation.warnings(name: name, file: file)
    }
}

/// Every option's line and column are those of its key. Keys that continuations cut apart are passed over.
func checkPlaces(_ file: ParsedUnitFile, _ bytes: [UInt8]) {
    guard !bytes.contains(13), !bytes.contains(UInt8(ascii: "\\")), !file.text.unicodeScalars.contains("\u{FEFF}")
    else {
        return
    }
    let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    for option in file.sections.flatMap(\.options) {
        let line = String(decoding: lines[option.line - 1], as: UTF8.self).unicodeScalars
        precondition(line.dropFirst(option.column - 1).starts(with: option.key.unicodeScalars), "wrong place of a key")
        precondition(
            line.dropFirst(option.valueColumn - 1).starts(with: option.value.unicodeScalars),
            "wrong place of a value"
        )
    }
}

/// Written out anew, one option per line, the file has the same sections and options. The space at the end of the line
/// keeps a backslash at the end of a value from continuing it.
func checkCanonicalForm(_ file: ParsedUnitFile) {
    guard !file.text.unicodeScalars.contains("\u{FEFF}") else { return }
    let text = file.sections.map { section in
        "[\(section.name)]\n" + section.options.map { "\($0.key)=\($0.value) \n" }.joined()
    }.joined()
    guard let again = try? ParsedUnitFile.parse(text) else { preconditionFailure("the canonical form is refused") }
    let before = file.sections.map {
        [Array($0.name.utf8)] + $0.options.flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
    }
    let after = again.sections.map {
        [Array($0.name.utf8)] + $0.options.flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
    }
    precondition(before == after, "the canonical form reads differently")
}

func fuzzNames(_ text: String) {
    _ = try? UnitName.ofFile(text)
    if let completed = try? UnitName.completing(text) { checkName(completed) }
    guard let name = try? UnitName(text) else { return }
    precondition(Array(name.description.utf8) == Array(text.utf8))
    checkName(name)
}

func checkName(_ name: UnitName) {
    let at = name.instance.map { "@" + $0 } ?? ""
    precondition(name.prefix + at + "." + name.type.rawValue == name.description, "a name's parts are not the name")
    precondition(name.description.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }, "an unsafe name")
    guard name.isInstance, let template = name.template else { return }
    precondition((try? template.instance(of: name.instance ?? "")) == name, "an instance is not its template's")
}

func fuzzEscapes(_ text: String) {
    if !text.utf8.contains(0) {
        let escaped = UnitEscaping.escape(text)
        let back = (try? UnitEscaping.unescape(escaped)).map { Array($0.utf8) }
        precondition(back == Array(text.utf8), "an escape does not come back")
        if let template = try? UnitName("t@.service"), !escaped.isEmpty, escaped.utf8.count < 240 {
            precondition((try? template.instance(of: escaped)) != nil, "an escape is no instance")
        }
        if let path = try? UnitEscaping.escape(path: text) {
            guard let plain = try? UnitEscaping.unescapePath(path) else { preconditionFailure("no way back to a path") }
            precondition((try? UnitEscaping.escape(path: plain)) == path, "a path changes on its way back")
        }
    }
    guard let plain = try? UnitEscaping.unescape(text) else { return }
    let again = try? UnitEscaping.unescape(UnitEscaping.escape(plain))
    precondition(again.map { Array($0.utf8) } == Array(plain.utf8), "an unescaped text does not come back")
}

/// The first line is a pattern, the second a name.
func fuzzPattern(_ text: String) {
    let lines = text.unicodeScalars.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(
        String.init
    )
    let pattern = UnitPattern(lines[0])
    let isValid = (try? UnitPattern(validating: lines[0])) != nil
    precondition(isValid || !pattern.matches(lines.last ?? ""), "a malformed pattern matches")
    precondition(UnitPattern(UnitPattern.quoting(lines[0])).matches(lines[0]), "a quoted text does not match itself")
}
