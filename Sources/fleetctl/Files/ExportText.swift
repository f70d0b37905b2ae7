import FleetAPI
import FleetModel
import FoundationEssentials
import UnitFile

/// An export as it lies in a file, checked: it is whole, and it is what was written.
struct ExportText {
    let header: ExportHeader
    let entries: [ExportedEntry]

    /// Entries and bytes of their values in one request: far below what fleetd takes.
    private static let piece = (entries: 500, bytes: 512 << 10)

    init(_ text: String, from path: String) throws(Failure) {
        // By bytes: a line break inside of a character, as Swift counts those, is one too.
        let bytes = Array(text.utf8)
        guard bytes.last == UInt8(ascii: "\n"),
            let start = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")),
            let end = Self.decode(ExportEnd.self, bytes[(start + 1)...])
        else { throw Failure("\(path): this is no export, or its end is missing") }
        let before = bytes[...start]
        guard ContentHash(of: String(decoding: before, as: UTF8.self)) == end.sha256 else {
            throw Failure("\(path): this is not what was exported: the checksum in the last line is another one")
        }
        let lines = before.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first, let header = Self.decode(ExportHeader.self, first) else {
            throw Failure("\(path):1: this is not the first line of an export")
        }
        guard header.fleetExport <= ExportHeader.form else {
            throw Failure(
                "\(path):1: exported by fleet \(header.writer), in a form that this one does not know: upgrade"
            )
        }
        var entries: [ExportedEntry] = []
        for (index, line) in lines.dropFirst().enumerated() {
            guard let entry = Self.decode(ExportedEntry.self, line) else {
                throw Failure("\(path):\(index + 2): this is not a line of an export")
            }
            entries.append(entry)
        }
        guard entries.count == header.entries, entries.count == end.exported else {
            throw Failure("\(path): \(header.entries) entries were exported, the file has \(entries.count)")
        }
        self.header = header
        self.entries = entries
    }

    /// The last line of an export whose other lines are `text`.
    static func end(of text: String, lines: Int) throws -> String {
        try JSONText.line(ExportEnd(exported: lines - 1, sha256: ContentHash(of: text))) + "\n"
    }

    func pieces() -> [[ExportedEntry]] {
        var pieces: [[ExportedEntry]] = []
        var bytes = 0
        for entry in entries {
            let size = entry.value.utf8.count
            if let last = pieces.last, last.count < Self.piece.entries, bytes + size <= Self.piece.bytes {
                pieces[pieces.count - 1].append(entry)
                bytes += size
            } else {
                pieces.append([entry])
                bytes = size
            }
        }
        return pieces
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ line: ArraySlice<UInt8>) -> Value? {
        try? JSONDecoder().decode(type, from: Data(line))
    }
}
