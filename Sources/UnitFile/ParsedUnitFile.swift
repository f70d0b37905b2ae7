/// A unit file in the grammar of systemd.syntax(7), with its text kept byte for byte: what is stored, hashed, written
/// to a machine and shown by `fleetctl cat` is exactly what the user wrote, comments included.
package struct ParsedUnitFile: Sendable {
    /// One `Key=Value` line, continuation lines joined to it.
    package struct Option: Hashable, Sendable {
        package let key: String
        /// Without the white space around it; every continuation is one space, as systemd reads it.
        package let value: String
        /// Where the key begins: line and column, both 1-based.
        package let line: Int
        package let column: Int
        /// Where the value begins on the same line, or `column` when it begins on a continuation line.
        package let valueColumn: Int

        package init(key: String, value: String, line: Int, column: Int, valueColumn: Int) {
            self.key = key
            self.value = value
            self.line = line
            self.column = column
            self.valueColumn = valueColumn
        }
    }

    /// One `[Name]` header with the options up to the next header. A name may occur more than once.
    package struct Section: Hashable, Sendable {
        package let name: String
        package let line: Int
        package let column: Int
        package internal(set) var options: [Option]

        package init(name: String, line: Int, column: Int, options: [Option] = []) {
            self.name = name
            self.line = line
            self.column = column
            self.options = options
        }
    }

    /// The longest line that systemd reads, continuations joined, in bytes (`LONG_LINE_MAX`, systemd.syntax(7)).
    package static let maximumLineBytes = 1 << 20

    /// The largest file: one longest line with room for the rest, and still inside etcd's default request limit of
    /// 1.5 MiB.
    package static let maximumBytes = 5 << 18

    package let text: String
    /// The file as the user named it, for messages.
    package let path: String?
    /// In the order of the file; repeated sections are not merged.
    package let sections: [Section]

    /// Reads `text`; `path` is what an error is reported under.
    package static func parse(_ text: String, path: String? = nil) throws(UnitFileError) -> ParsedUnitFile {
        var parser = UnitFileParser(Array(text.utf8), path: path)
        return ParsedUnitFile(text: text, path: path, sections: try parser.parse())
    }

    /// Reads a file's bytes; bytes that are not UTF-8 are refused with the place of the first one.
    package static func parse(bytes: [UInt8], path: String? = nil) throws(UnitFileError) -> ParsedUnitFile {
        var parser = UnitFileParser(bytes, path: path)
        try parser.checkSize()
        guard let text = String(validating: bytes, as: UTF8.self) else { throw parser.invalidEncoding() }
        return ParsedUnitFile(text: text, path: path, sections: try parser.parse())
    }

    /// The file's text. The identity, whatever was parsed: nothing in fleet rewrites a unit file.
    package func print() -> String { text }

    /// Every assignment of `key` in every section called `section`, empty ones included, in the order of the file.
    package func options(section: String, key: String) -> [Option] {
        sections.lazy.filter { $0.name == section }.flatMap { $0.options.filter { $0.key == key } }
    }

    /// The values of a list option: repeated assignments add up, an empty one forgets all before it.
    package func values(section: String, key: String) -> [String] {
        optionsInForce(section: section, key: key).map(\.value)
    }

    /// The assignments of a list option that count.
    package func optionsInForce(section: String, key: String) -> ArraySlice<Option> {
        let all = options(section: section, key: key)
        return all[(all.lastIndex { $0.value.isEmpty }.map { $0 + 1 } ?? 0)...]
    }

    /// The value of an option that takes one: the last assignment counts, and an empty one means the default (nil).
    package func lastValue(section: String, key: String) -> String? {
        guard let last = options(section: section, key: key).last, !last.value.isEmpty else { return nil }
        return last.value
    }

    /// `Description=` of `[Unit]`, as tables show it.
    package var description: String? { lastValue(section: "Unit", key: "Description") }

    /// Whether the file has an `[Install]` section: such a unit is enabled on its machine, as fleet did.
    package var hasInstallSection: Bool { hasSection("Install") }

    package func hasSection(_ name: String) -> Bool { sections.contains { $0.name == name } }

    /// An error at an option of this file.
    package func error(at option: Option, _ message: String) -> UnitFileError {
        UnitFileError(path: path, line: option.line, column: option.valueColumn, message: message)
    }
}

extension ParsedUnitFile: Equatable {
    /// Equal bytes under an equal path; `String` alone would call canonically equivalent texts equal.
    package static func == (left: ParsedUnitFile, right: ParsedUnitFile) -> Bool {
        left.path == right.path && left.text.utf8.elementsEqual(right.text.utf8)
    }
}
