import FleetAPI
import FoundationEssentials

/// The `--output` modes of `journal`, as journalctl(1) names them.
enum JournalMode: String, CaseIterable, Sendable {
    case short, cat, json

    /// One entry, with its newline.
    func text(_ line: JournalLine, zone: Zone) throws -> String {
        switch self {
        case .cat:
            return Printable.lines(line.message).joined(separator: "\n") + "\n"
        case .json:
            return try JSONText.line(line) + "\n"
        case .short:
            let source = line.pid > 0 ? "\(line.identifier)[\(line.pid)]" : line.identifier
            let start = "\(zone.short(line.at)) \(Printable.line(line.hostname)) \(Printable.line(source)): "
            // Continuation lines stand below the first one, as journalctl prints them.
            let indent = String(repeating: " ", count: start.unicodeScalars.count)
            return start + Printable.lines(line.message).joined(separator: "\n" + indent) + "\n"
        }
    }
}

/// JSON for scripts.
enum JSONText {
    /// A document for people and scripts: sorted keys, indented, with a last newline.
    static func document(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// One line of a stream.
    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
