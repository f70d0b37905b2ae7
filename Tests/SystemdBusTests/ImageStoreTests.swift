import FleetModel
import Foundation
import Testing

@testable import SystemdBus

/// What is read of podman's images, and of what podman says.
struct ImageStoreTests {
    private static let digest = "sha256:" + String(repeating: "1f", count: 32)
    private static let list = "sha256:" + String(repeating: "2e", count: 32)

    /// As podman 5.4 writes it, shortened.
    private static let images = """
        [{"id":"a1","digest":"\(digest)","names":["docker.io/library/busybox:1.36"],"layer":"f0",
        "big-data-digests":{"a1":"sha256:\(String(repeating: "3d", count: 32))",
        "manifest":"\(digest)","manifest-\(list)":"\(list)"},"created":"2024-01-01T00:00:00Z","flags":{}},
        {"id":"b2","digest":"\(digest)","created":"2024-01-01T00:00:00Z"}]
        """

    @Test func everyNameOfAnImageCounts() throws {
        let names = try #require(ImageStore.names(in: Array(Self.images.utf8)))
        #expect(
            Set(names.map(\.description)) == [
                "docker.io/library/busybox:1.36", "docker.io/library/busybox@\(Self.digest)",
                "docker.io/library/busybox@\(Self.list)",
            ]
        )
    }

    @Test func whatCannotBeReadIsNotKnown() { #expect(ImageStore.names(in: Array("{}".utf8)) == nil) }

    @Test func theFileIsReadAgainWhenItChanges() async throws {
        let root = "/tmp/fleet-images-\(UUID().uuidString)"
        let folder = root + "/overlay-images"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let store = ImageStore(root: root)
        #expect(await store.names() == nil)
        try Self.images.write(toFile: folder + "/images.json", atomically: true, encoding: .utf8)
        #expect(await store.names()?.count == 3)
        try "[]".write(toFile: folder + "/images.json", atomically: true, encoding: .utf8)
        #expect(await store.names()?.isEmpty == true)
    }

    @Test(
        arguments: [
            (
                [
                    "Trying to pull localhost:5000/app:1...",
                    "Error: initializing source docker://localhost:5000/app:1: reading manifest 1: manifest unknown",
                ],
                "initializing source docker://localhost:5000/app:1: reading manifest 1: manifest unknown"
            ),
            (
                [#"time="2026-01-01T00:00:00Z" level=fatal msg="Error parsing image name \"docker://x\": denied""#],
                #"Error parsing image name \"docker://x\": denied"#
            ),
            (
                ["/bin/sh: 1: exec: skopeo: not found"],
                "there is no skopeo on this machine, which PinImage= needs; install it (apt install skopeo)"
            ),
            ([], "podman has not said why"),
        ] as [([String], String)]
    ) func problems(lines: [String], words: String) { #expect(PodmanWords.problem(in: lines) == words) }
}
