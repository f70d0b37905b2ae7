import FleetAgent
import FleetModel
import FleetRuntime
import FoundationEssentials
import Glibc
import Testing
import UnitFile

@testable import SystemdBus

/// The socket by itself: the test is systemd, which says by its address what it wants.
@Suite struct CredentialSocketTests {
    /// Connects from this abstract address (nil: from none) and reads to the end.
    private func ask(_ path: String, from name: String?) async throws -> [UInt8] {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        if let name {
            var (own, length) = Self.address(abstract: name)
            let isBound = withUnsafePointer(to: &own) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
            }
            try #require(isBound)
        }
        var (address, length) = Self.address(path: path)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
        }
        try #require(isConnected)
        return await Task.detached {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = read(descriptor, &chunk, chunk.count)
                guard count > 0 else { return bytes }
                bytes += chunk[..<count]
            }
        }.value
    }

    private static func address(path: String) -> (sockaddr_un, socklen_t) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
    }

    private static func address(abstract name: String) -> (sockaddr_un, socklen_t) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + Array(name.utf8)) }
        return (address, socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count))
    }

    @Test(.enabled(if: geteuid() == 0, "systemd asks as root")) func answersAndRefuses() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/fleet-cred-\(UUID().uuidString.prefix(8))"
        let asked = try CredentialSocket(path: path)
        defer { _ = unlink(path) }
        let large = [UInt8](repeating: 7, count: 512 << 10)
        let calls = asked.listen()
        let answering = Task {
            var peers: [CredentialPeer?] = []
            for await call in calls {
                peers.append(call.peer)
                switch call.peer?.credential.description {
                case "db": await call.answer(Array("canary".utf8))
                case "large": await call.answer(large)
                default: await call.answer(nil)
                }
            }
            return peers
        }
        let mark = UUID().uuidString
        #expect(try await ask(path, from: "\(mark)/unit/web@1.service/db") == Array("canary".utf8))
        #expect(try await ask(path, from: "\(mark)/unit/web.service/large") == large)
        // Never nothing: systemd would take that for an empty credential.
        #expect(try await ask(path, from: "\(mark)/unit/web.service/other").count > 1 << 20)
        #expect(try await ask(path, from: "\(mark)/elsewhere").count > 1 << 20)
        #expect(try await ask(path, from: nil).count > 1 << 20)
        asked.stop()
        let peers = await answering.value
        #expect(peers.map { $0?.unit.description } == ["web@1.service", "web.service", "web.service", nil, nil])
    }

    @Test func containersGetTheirsAsFiles() throws {
        let name = try #require(CredentialName("db"))
        let credentials = [Credential(kind: .secret, name: name)]
        #expect(
            ContainerCredentials.text("[Container]\nImage=x", with: credentials) == """
                [Container]
                Image=x
                [Container]
                Volume=%d/db:/run/secrets/db:ro

                """
        )
        #expect(ContainerCredentials.text("[Container]\n", with: []) == "[Container]\n")
    }

    @Test func podmanIsNotAskedForWhatFleetGives() throws {
        let name = try #require(CredentialName("db"))
        let text = "[Container]\nImage=x\nSecret=own,type=env\nSecret=db,target=/etc/db.key  third\n"
        #expect(
            ContainerCredentials.text(text, with: [Credential(kind: .secret, name: name)]) == text + """
                [Container]
                Volume=%d/db:/run/secrets/db:ro
                Volume=%d/db:/etc/db.key:ro
                Secret=
                Secret=own,type=env
                Secret=third

                """
        )
        let config = [Credential(kind: .config, name: name)]
        #expect(!ContainerCredentials.text(text, with: config).contains("Secret=\n"))
    }
}
