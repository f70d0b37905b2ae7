import Foundation
import Testing
import UnitFile

@Suite struct PropertyTests {
    @Test func generatedFilesAreReadAsTheyWereMade() throws {
        for seed in 0..<3000 as Range<UInt64> {
            let made = GeneratedFile(seed: seed)
            let file = try ParsedUnitFile.parse(bytes: Array(made.text.utf8))
            try #require(Array(file.print().utf8) == Array(made.text.utf8), "seed \(seed)")
            let found = file.sections.flatMap { section in
                section.options.map { "\(section.name)/\($0.key)=\($0.value)@\($0.line)" }
            }
            try #require(found == made.options, "seed \(seed): \(made.text.debugDescription)")
        }
    }

    @Test func mutilatedFilesAreReadOrRefused() throws {
        var refused = 0
        for seed in 0..<3000 as Range<UInt64> {
            var random = Seeded(seed)
            var bytes = Array(GeneratedFile(seed: seed).text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: bytes[place] = [10, 13, 92, 61, 91, 93, 35, 0, 0xC3].randomElement(using: &random) ?? 0
                }
            }
            do {
                let file = try ParsedUnitFile.parse(bytes: bytes)
                try #require(Array(file.print().utf8) == bytes, "seed \(seed)")
            } catch let error as UnitFileError {
                refused += 1
                try #require(error.line >= 1 && error.column >= 1, "seed \(seed): \(error)")
            }
        }
        #expect(refused > 100)
    }

    /// Directories of unit files: of this machine, of the lab's root, and of `FLEET_UNIT_FILES`.
    static var directories: [String] {
        var found = ["/usr/lib/systemd/system", "/lib/systemd/system"]
        found += ProcessInfo.processInfo.environment["FLEET_UNIT_FILES"].map { [$0] } ?? []
        let lab = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".lab").path
        for parent in [lab, lab + "/roots"] {
            for root in ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted() {
                found.append("\(parent)/\(root)/usr/lib/systemd/system")
            }
        }
        return found
    }

    @Test func shippedFilesPrintAsTheyAre() throws {
        var count = 0
        var seen: Set<String> = []
        for directory in Self.directories {
            guard let names = FileManager.default.enumerator(atPath: directory)?.allObjects as? [String] else {
                continue
            }
            for name in names {
                let path = URL(fileURLWithPath: directory + "/" + name).resolvingSymlinksInPath().path
                let isUnitFile =
                    (try? UnitName(UnitName.baseName(of: name))) != nil || name.hasSuffix(".conf")
                guard isUnitFile, seen.insert(path).inserted, let data = FileManager.default.contents(atPath: path)
                else {
                    continue
                }
                let file = try ParsedUnitFile.parse(bytes: Array(data), path: path)
                #expect(Array(file.print().utf8) == Array(data), "\(path)")
                count += 1
            }
        }
        print("shipped unit files read and printed: \(count)")
        if count == 0 { print("skipped: no unit files below \(Self.directories.joined(separator: ", "))") }
    }
}
