import FleetModel
import Foundation
import Testing
import UnitFile

/// What Debian ships is what systemd accepts: validation may refuse none of it.
@Suite struct ShippedFilesTests {
    static var directories: [String] {
        var found = ["/usr/lib/systemd/system"]
        found += ProcessInfo.processInfo.environment["FLEET_UNIT_FILES"].map { [$0] } ?? []
        let roots = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".lab/roots").path
        for root in ((try? FileManager.default.contentsOfDirectory(atPath: roots)) ?? []).sorted() {
            found.append("\(roots)/\(root)/usr/lib/systemd/system")
        }
        return found
    }

    @Test func shippedUnitsAreAccepted() throws {
        var count = 0
        for directory in Self.directories {
            for entry in ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted() {
                let path = directory + "/" + entry
                let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
                guard !isLink, let name = try? UnitName(entry), let data = FileManager.default.contents(atPath: path),
                    let text = String(bytes: data, encoding: .utf8), !text.isEmpty
                else { continue }
                count += 1
                #expect(throws: Never.self, "\(path)") {
                    try UnitValidation.validate(name: name, text: text, path: path)
                }
            }
        }
        print("shipped units validated: \(count)")
        if count == 0 { print("skipped: no unit files below \(Self.directories.joined(separator: ", "))") }
    }

    /// docs/examples is what people start from: every file is accepted, under the name that it has.
    @Test func examplesAreAccepted() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/examples")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0 != "README.md" }
        #expect(names.count >= 18)
        for name in names.sorted() {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            let source = try? QuadletName(name)
            let unit = try source?.standardService ?? UnitName(name)
            #expect(throws: Never.self, "\(name)") {
                try UnitValidation.validate(name: unit, source: source, text: text, path: name)
            }
        }
    }
}
