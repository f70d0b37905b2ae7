import FleetAPI
import Testing

@testable import fleetctl

@Suite struct ExportTextTests {
    private static let header =
        #"{"at":"2026-01-02T03:04:05.678Z","entries":2,"fleetExport":1,"minimumReader":1,"revision":7,"writer":"1.0"}"#
    private static let lines = [
        header, #"{"key":"units/a.service","value":"{\"v\":1}"}"#, #"{"key":"targets/a.service","value":"{\"v\":1}"}"#,
    ]
    private static let before = lines.map { $0 + "\n" }.joined()

    private func whole() throws -> String { Self.before + (try ExportText.end(of: Self.before, lines: 3)) }

    @Test func aWholeExportIsRead() throws {
        let export = try ExportText(whole(), from: "f")
        #expect(export.entries.map(\.key) == ["units/a.service", "targets/a.service"])
        #expect(export.header.revision == 7)
    }

    @Test func everyPartCounts() throws {
        let whole = try whole()
        let broken = [
            "", "\n", Self.before, String(whole.dropLast()), String(whole.dropFirst(2)),
            whole.replacing("units/a", with: "units/b"), whole.replacing(#""exported":2"#, with: #""exported":3"#),
            Self.header + "\n" + (try ExportText.end(of: Self.header + "\n", lines: 1)),
        ]
        for text in broken { #expect(throws: Failure.self, "\(text)") { try ExportText(text, from: "f") } }
    }

    @Test func piecesHoldAllEntriesInOrder() throws {
        let big = String(repeating: "x", count: 300 << 10)
        let lines = (1...5).map { #"{"key":"files/\#($0)","value":"\#(big)"}"# }
        let header = Self.header.replacing(#""entries":2"#, with: #""entries":5"#)
        let before = ([header] + lines).map { $0 + "\n" }.joined()
        let export = try ExportText(before + ExportText.end(of: before, lines: 6), from: "f")
        #expect(export.pieces().map(\.count) == [1, 1, 1, 1, 1])
        #expect(export.pieces().flatMap { $0 } == export.entries)
    }
}
