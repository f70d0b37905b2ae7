/// Reads the grammar of systemd.syntax(7) the way systemd's own parser does, in one pass over the bytes, so that a file
/// means to fleet what it will mean to systemd.
///
/// It is stricter where systemd logs a warning and drops the line: text before the first section, a line without `=`,
/// an empty key and a NUL byte are errors here, because a dropped line is noticed much later and on another machine.
struct UnitFileParser {
    private let bytes: [UInt8]
    private let path: String?
    private var position = 0
    /// Number of the physical line that `nextLine` returned last.
    private var line = 0
    private var sections: [ParsedUnitFile.Section] = []
    /// systemd skips one byte order mark, wherever a line begins with it.
    private var sawMark = false

    init(_ bytes: [UInt8], path: String?) {
        self.bytes = bytes
        self.path = path
    }

    /// One physical line, or several joined by backslashes.
    private struct LogicalLine {
        var bytes: [UInt8] = []
        /// Of the first physical line.
        let line: Int
        /// How much of `bytes` is the first physical line: what lies beyond it has no column there.
        let firstLength: Int
        /// Scalars of the first physical line before `bytes` begins (a byte order mark).
        let skipped: Int
    }

    mutating func parse() throws(UnitFileError) -> [ParsedUnitFile.Section] {
        try checkSize()
        try checkForNull()
        var pending: LogicalLine?
        while let physical = nextLine() {
            // A comment inside a continuation neither ends it nor adds to it.
            if isComment(physical) { continue }
            let range = withoutMark(physical)
            if isComment(range) { continue }
            let isContinued = endsInBackslash(range)
            let content = isContinued ? range.dropLast() : range
            var logical =
                pending
                ?? LogicalLine(line: line, firstLength: content.count, skipped: range.count < physical.count ? 1 : 0)
            pending = nil
            logical.bytes.append(contentsOf: bytes[content])
            if isContinued { logical.bytes.append(Byte.space) }
            guard logical.bytes.count <= ParsedUnitFile.maximumLineBytes else { throw lineTooLong(logical.line) }
            if isContinued { pending = logical } else { try read(logical) }
        }
        // A file that ends inside a continuation ends the line too.
        if let pending { try read(pending) }
        return sections
    }

    // MARK: Lines

    /// The next physical line without its end; nil at the end of the file. As in systemd, a line ends in LF, CR, or
    /// one of each in either order.
    private mutating func nextLine() -> Range<Int>? {
        guard position < bytes.count else { return nil }
        let start = position
        while position < bytes.count, !Byte.isLineEnd(bytes[position]) { position += 1 }
        let end = position
        if position < bytes.count {
            let first = bytes[position]
            position += 1
            if position < bytes.count, Byte.isLineEnd(bytes[position]), bytes[position] != first { position += 1 }
        }
        line += 1
        return start..<end
    }

    private func isComment(_ range: Range<Int>) -> Bool {
        guard let first = range.first(where: { !Byte.isSpace(bytes[$0]) }) else { return false }
        return bytes[first] == UInt8(ascii: "#") || bytes[first] == UInt8(ascii: ";")
    }

    private mutating func withoutMark(_ range: Range<Int>) -> Range<Int> {
        guard !sawMark, bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) else { return range }
        sawMark = true
        return range.lowerBound + 3..<range.upperBound
    }

    /// True for an odd number of backslashes at the end: `\\` is an escaped backslash and continues nothing.
    private func endsInBackslash(_ range: Range<Int>) -> Bool {
        let run = range.reversed().prefix { bytes[$0] == UInt8(ascii: "\\") }.count
        return run % 2 == 1
    }

    // MARK: Logical lines

    private mutating func read(_ logical: LogicalLine) throws(UnitFileError) {
        let content = Byte.trimmed(logical.bytes[...])
        guard let first = content.first else { return }
        let column = self.column(of: content.startIndex, in: logical, otherwise: 1)
        if first == UInt8(ascii: "[") {
            try readHeader(content, line: logical.line, column: column)
        } else {
            try readOption(content, of: logical, column: column)
        }
    }

    private mutating func readHeader(
        _ content: ArraySlice<UInt8>,
        line: Int,
        column: Int
    ) throws(UnitFileError) {
        let shown = String(decoding: content, as: UTF8.self).printable(limit: 60)
        guard content.count >= 2, content.last == UInt8(ascii: "]") else {
            throw error(
                line,
                column,
                "section header '\(shown)' does not end in ']'; write it as [Name] on its own line"
            )
        }
        let name = content.dropFirst().dropLast()
        guard name.allSatisfy(Byte.isSafeInSectionName) else {
            throw error(
                line,
                column,
                "section header '\(shown)' has a control character, a quote or a backslash, which systemd refuses; "
                    + "remove it"
            )
        }
        sections.append(.init(name: String(decoding: name, as: UTF8.self), line: line, column: column))
    }

    private mutating func readOption(
        _ content: ArraySlice<UInt8>,
        of logical: LogicalLine,
        column: Int
    ) throws(UnitFileError) {
        let shown = String(decoding: content.prefix(240), as: UTF8.self).printable(limit: 60)
        guard !sections.isEmpty else {
            throw error(
                logical.line,
                column,
                "'\(shown)' stands before the first section; put a header such as [Unit] or [Service] above it, "
                    + "or begin the line with # to make it a comment"
            )
        }
        guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else {
            throw error(
                logical.line,
                column,
                "'\(shown)' is not Key=Value; add the '=', end the line above in \\ if this continues it, "
                    + "or begin the line with # to make it a comment"
            )
        }
        let key = Byte.trimmed(content[..<equals])
        guard !key.isEmpty else {
            throw error(logical.line, column, "'\(shown)' has no key before the '='; write Key=Value")
        }
        let value = Byte.trimmed(content[(equals + 1)...])
        let option = ParsedUnitFile.Option(
            key: String(decoding: key, as: UTF8.self),
            value: String(decoding: value, as: UTF8.self),
            line: logical.line,
            column: column,
            valueColumn: self.column(of: value.startIndex, in: logical, otherwise: column)
        )
        sections[sections.count - 1].options.append(option)
    }

    // MARK: Errors

    private func column(of index: Int, in logical: LogicalLine, otherwise: Int) -> Int {
        guard index <= logical.firstLength else { return otherwise }
        return logical.skipped + logical.bytes[..<index].count(where: Byte.beginsScalar) + 1
    }

    private func error(_ line: Int, _ column: Int, _ message: String) -> UnitFileError {
        UnitFileError(path: path, line: line, column: column, message: message)
    }

    func checkSize() throws(UnitFileError) {
        guard bytes.count > ParsedUnitFile.maximumBytes else { return }
        throw error(
            0,
            0,
            "the file has \(bytes.count) bytes and a unit file may have \(ParsedUnitFile.maximumBytes); "
                + "keep data in a file of its own and name that in the unit"
        )
    }

    private func lineTooLong(_ line: Int) -> UnitFileError {
        error(
            line,
            0,
            "the line has more than \(ParsedUnitFile.maximumLineBytes) bytes, the most that systemd reads; "
                + "keep data in a file of its own and name that in the unit"
        )
    }

    private func checkForNull() throws(UnitFileError) {
        guard let index = bytes.firstIndex(of: 0) else { return }
        let place = place(of: index)
        throw error(place.line, place.column, "a NUL byte; unit files are text, remove it")
    }

    /// For bytes that are known not to be UTF-8: says where the first wrong one is.
    func invalidEncoding() -> UnitFileError {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var valid = 0
        decoding: while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): valid += UTF8.width(scalar)
            case .emptyInput, .error: break decoding
            }
        }
        let place = place(of: valid)
        let byte = valid < bytes.count ? "0x" + String(bytes[valid], radix: 16) : "the end"
        return error(
            place.line,
            place.column,
            "\(byte) is not UTF-8 here; save the file as UTF-8, or write the byte as an escape such as \\xfc "
                + "where systemd takes escapes"
        )
    }

    /// The line and column of the byte at `index`, or of the end of the file.
    private func place(of index: Int) -> (line: Int, column: Int) {
        var scan = UnitFileParser(bytes, path: path)
        var start = 0
        while let range = scan.nextLine() {
            start = range.lowerBound
            if index < scan.position { break }
        }
        return (max(scan.line, 1), bytes[start..<index].count(where: Byte.beginsScalar) + 1)
    }
}

/// The byte classes of systemd.syntax(7).
enum Byte {
    static let space = UInt8(ascii: " ")

    static func isLineEnd(_ byte: UInt8) -> Bool { byte == 10 || byte == 13 }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 10 || byte == 13 }

    /// False for the continuation bytes of UTF-8.
    static func beginsScalar(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }

    /// What systemd's `string_is_safe` lets pass: no control characters, quotes or backslashes.
    static func isSafeInSectionName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<32, 127, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): false
        default: true
        }
    }

    /// Without the white space around it; the indices are those of `bytes`.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let start = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return bytes[bytes.endIndex...] }
        return bytes[start...last]
    }
}
