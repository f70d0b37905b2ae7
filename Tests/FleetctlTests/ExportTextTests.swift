import FleetAPI
import FleetModel
import FoundationEssentials
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

    @Test func whatIsExportedIsImported() async throws {
        let header = ExportHeader(writer: "1.0", minimumReader: 1, at: CommandResult.now, revision: 7, entries: 1)
        let entry = ExportedEntry(key: "units/a.service", value: "{}")
        let lines = [try JSONText.line(header), try JSONText.line(entry)].map { $0 + "\n" }
        let out = try await FakeFleetd.run(["registry", "export"]) { _ in FakeAnswer(chunks: lines) }
        #expect(out.status == 0 && out.errors == "")
        try await withFolder { folder in
            try write(out.output, to: folder + "/export")
            let into = try await FakeFleetd.run(["registry", "import", folder + "/export"]) { _ in
                FakeAnswer(chunks: ["{}"])
            }
            #expect(into.status == 0 && into.output == "Imported 1 entries\n", "\(into.errors)")
            let steps = try into.requests.map { try JSONDecoder().decode(ImportRequest.self, from: Data($0.body.utf8)) }
            #expect(
                steps == [
                    ImportRequest(step: .begin), ImportRequest(step: .entries, entries: [entry]),
                    ImportRequest(step: .finish, count: 1, minimumReader: 1),
                ]
            )
        }
    }

    @Test func anExportThatBreaksOffPrintsNothing() async throws {
        let header = ExportHeader(writer: "1.0", minimumReader: 1, at: CommandResult.now, revision: 7, entries: 1)
        let line = try JSONText.line(header) + "\n"
        let out = try await FakeFleetd.run(["registry", "export"]) { _ in FakeAnswer(chunks: [line], end: .cut) }
        #expect(out.status == 1 && out.output == "" && out.errors != "")
    }

    @Test func aRefusalEndsTheImport() async throws {
        let into = try await FakeFleetd.run(["registry", "import", "--empty"]) { _ in .refusal(409, "it is in use") }
        #expect(into.status == 1 && into.errors == "fleetctl: it is in use\n")
        #expect(into.requests.count == 1)
    }
}
