import Testing

/// The rules, applied to all there is.
@Suite struct RepositoryTests {
    @Test(arguments: Checks.all.map(\.name)) func everyFileKeeps(rule: String) throws {
        let check = try #require(Checks.all.first { $0.name == rule }).check
        #expect(!Repository.swiftFiles.isEmpty)
        for finding in Repository.swiftFiles.flatMap(check) { Issue.record("\(finding)") }
    }

    @Test func everySourceFolderHasARing() {
        for folder in Repository.folders(in: "Sources") {
            #expect(Rules.ring(of: folder) != nil, "Sources/\(folder): add it to `Rules.rings`")
        }
    }

    /// Package.swift lists the rings in blocks; a block may name its own and inner rings only.
    @Test(arguments: [1, 2]) func packageKeepsArrowsInward(ring: Int) throws {
        let manifest = Repository.text("Package.swift").split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(manifest.firstIndex { $0.hasPrefix("let ring\(ring): [Target]") })
        let end = try #require(manifest[start...].firstIndex { $0 == "]" })
        for (index, line) in manifest[start...end].enumerated() {
            for name in line.split(separator: "\"").map(String.init) {
                guard let other = Rules.ring(of: name), other > ring else { continue }
                Issue.record("Package.swift:\(start + index + 1): \(name) is of ring \(other)")
            }
        }
    }

    @Test func changelogAndVersionAgree() throws {
        let heading = try #require(Repository.text("CHANGELOG.md").split(separator: "\n").first { $0.hasPrefix("## ") })
        let version = heading.dropFirst(3).prefix { $0 != " " }
        let source = Repository.text("Sources/FleetModel/FleetVersion.swift")
        #expect(source.contains("text = \"\(version)\""), "FleetVersion.text is not CHANGELOG.md's newest, \(version)")
    }
}
