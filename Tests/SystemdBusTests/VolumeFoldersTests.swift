import FleetModel
import Foundation
import Testing
import UnitFile

@testable import SystemdBus

@Suite("Volumes on the disk")
struct VolumeFoldersTests {
    private let root = FileManager.default.temporaryDirectory.appending(path: "fleet-volumes-\(UUID().uuidString)").path
    private let web: UnitName

    init() throws { web = try UnitName("web.service") }

    private func make(_ path: String, _ bytes: Int? = nil) throws {
        let folder = root + (bytes == nil ? path : (path as NSString).deletingLastPathComponent)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let bytes { try Data(count: bytes).write(to: URL(filePath: root + path)) }
    }

    @Test func whatHoldsData() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let storage = "/var/lib/containers/storage/volumes"
        try make("\(storage)/empty/_data")
        try make("\(storage)/full/_data/file", 1)
        try make("\(storage)/odd/_data", 1)
        try make("/var/lib/state/a/file", 1)
        let folders = VolumeFolders(SystemdPaths(root: root))
        let names = try ["empty", "full", "none", "odd", "state:none", "state:state/a"].map { try VolumeName($0) }
        #expect(folders.watch(names, of: web))
        #expect(!folders.watch(names, of: web))
        let held = await folders.held(by: [web, try UnitName("other.service")])
        #expect(held.keys.sorted() == [web])
        #expect(held[web]?.map(\.description) == ["full", "odd", "state:state/a"], "what cannot be read counts")
        #expect(folders.watch([], of: web))
        #expect(await folders.held(by: [web]).isEmpty)
    }

    @Test func sizes() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let storage = "/var/lib/containers/storage/volumes"
        try make("\(storage)/full/_data/deep/file", 100_000)
        try make("\(storage)/\(String(repeating: "0", count: 64))/_data/file", 1)
        try make("/var/lib/state/file", 10)
        let folders = VolumeFolders(SystemdPaths(root: root))
        let found = await folders.inventory(with: try ["state:state", "state:none"].map { try VolumeName($0) })
        #expect(found.keys.sorted().map(\.description) == ["full", "state:state"])
        let full = try #require(found[try VolumeName("full")])
        #expect(full.bytes >= 100_000 && full.bytes < 120_000)
        #expect(full.isMore == nil && full.created != nil)
    }
}
