import Foundation
import Testing

/// Runs every script of `Scripts` and compares what it says with what was recorded. `FLEET_RECORD=1` records anew: the
/// difference is for a person to review.
///
/// A script is blocks between empty lines: commands (`ScriptFleet`), `----`, and what they said. `#` begins a comment.
@Suite struct ScriptTests {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scripts")

    static var scripts: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test func thereAreScripts() { #expect(Self.scripts.count >= 12) }

    @Test(arguments: scripts) func says(script: String) throws {
        let file = Self.directory.appending(path: script)
        let recorded = try String(contentsOf: file, encoding: .utf8)
        let said = Self.run(recorded)
        if ProcessInfo.processInfo.environment["FLEET_RECORD"] == "1" {
            try said.write(to: file, atomically: true, encoding: .utf8)
        } else {
            let (old, new) = (recorded.split(separator: "\n"), said.split(separator: "\n"))
            for (was, now) in zip(old, new) { try #require(now == was, "\(script)") }
            #expect(said == recorded, "\(script)")
        }
        #expect(!said.contains("AUDIT:"), "\(script)")
        #expect(!said.contains("DOES NOT COME TO REST"), "\(script)")
        #expect(!said.contains("error: "), "\(script)")
    }

    /// The script with what its commands say now.
    private static func run(_ text: String) -> String {
        var fleet = ScriptFleet()
        let blocks = text.split(separator: "\n", omittingEmptySubsequences: false)
            .split { $0.isEmpty }
            .map { lines -> String in
                let commands = lines.prefix { $0 != "----" }
                let output = commands.filter { !$0.hasPrefix("#") }.flatMap { fleet.run(String($0)) }
                return (commands.map(String.init) + (output.isEmpty ? [] : ["----"] + output)).joined(separator: "\n")
            }
        return blocks.joined(separator: "\n\n") + "\n"
    }
}
