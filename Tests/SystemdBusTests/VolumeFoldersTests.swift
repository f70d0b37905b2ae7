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
        #expect(held.volumes.keys.sorted() == [web])
        #expect(
            held.volumes[web]?.map(\.description) == ["empty", "full", "none", "odd", "state:state/a"],
            "what cannot be read counts, and what podman was not asked about"
        )
        let unclear = try #require(held.unclear[web])
        #expect(unclear.map(\.description) == ["empty", "none"])
        let question = try #require(folders.question(about: held.unclear))
        #expect(folders.question(about: held.unclear) == nil, "it is on its way")
        #expect(folders.answer(question, areEmpty: [unclear[0]]) == [web])
        let clear = await folders.held(by: [web])
        #expect(clear.volumes[web]?.map(\.description) == ["full", "none", "odd", "state:state/a"])
        #expect(clear.unclear.isEmpty)
        // It has run since.
        folders.doubt(web)
        let again = await folders.held(by: [web])
        #expect(again.volumes == held.volumes && again.unclear == held.unclear)
        let late = try #require(folders.question(about: again.unclear))
        folders.doubt(web)
        #expect(folders.answer(late, areEmpty: Set(unclear)) == [])
        #expect(await folders.held(by: [web]).volumes == held.volumes)
        #expect(folders.watch([], of: web))
        #expect(await folders.held(by: [web]).volumes.isEmpty)
    }

    @Test func podmansAnswer() throws {
        let names = try ["a", "b", "c"].map { try VolumeName($0) }
        #expect(VolumeQuestion.empty(of: names, output: "1\n3\n") == [names[0], names[2]])
        #expect(VolumeQuestion.empty(of: names, output: "0\n4\nx\n") == [])
    }

    /// The script that asks, with a podman that says what the real one does.
    @Test(arguments: [
        ("exit 1", true), ("exit 125", false), ("local 0 FOLDER", true), ("local 1 FOLDER", false),
        ("image 0 FOLDER", false), ("local 0 /nowhere", false), ("local 0 FULL", false),
    ])
    func theQuestion(answer: String, isEmpty: Bool) throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try make("/folder")
        try make("/full/file", 1)
        let facts = answer.replacing("FOLDER", with: root + "/folder").replacing("FULL", with: root + "/full")
        try make("/bin/podman", 0)
        let said = answer.hasPrefix("exit") ? answer : "[ $2 = exists ] || echo '\(facts)'"
        try "#!/bin/sh\necho noise 1 >&2\n\(said)\n".write(
            toFile: root + "/bin/podman",
            atomically: false,
            encoding: .utf8
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root + "/bin/podman")
        let volume = try VolumeName("data")
        let process = Process()
        let pipe = Pipe()
        let arguments = VolumeQuestion.unit(about: [volume], number: 1, output: 1).arguments
        process.executableURL = URL(filePath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.environment = ["PATH": root + "/bin:/usr/bin:/bin"]
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(VolumeQuestion.empty(of: [volume], output: output) == (isEmpty ? [volume] : []))
    }

    @Test func sizes() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let storage = "/var/lib/containers/storage/volumes"
        try make("\(storage)/full/_data/deep/file", 100_000)
        try make("\(storage)/\(String(repeating: "0", count: 64))/_data/file", 1)
        try make("/var/lib/state/file", 10)
        let folders = VolumeFolders(SystemdPaths(root: root))
        let found = await folders.inventory(with: try ["state:state", "state:none"].map { try VolumeName($0) })
        #expect(found.volumes.keys.sorted().map(\.description) == ["full", "state:state"])
        #expect(found.omitted == nil)
        let full = try #require(found.volumes[try VolumeName("full")])
        #expect(full.bytes >= 100_000 && full.bytes < 120_000)
        #expect(full.isMore == nil && full.created != nil)
    }

    @Test func moreThanCanBeToldOf() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        for number in 0..<VolumeLimits.volumes {
            try FileManager.default.createDirectory(
                atPath: "\(root)/var/lib/containers/storage/volumes/v\(number)/_data",
                withIntermediateDirectories: true
            )
        }
        try make("/var/lib/state/file", 10)
        let state = try VolumeName("state:state")
        let found = await VolumeFolders(SystemdPaths(root: root)).inventory(with: [state])
        #expect(found.volumes.count == VolumeLimits.volumes)
        #expect(found.omitted == 1)
        #expect(found.volumes[state] != nil)
    }
}
