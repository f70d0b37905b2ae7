import FleetAPI
import FleetModel
import FoundationEssentials
import Testing
import UnitFile

@testable import fleetctl

/// `config` and `secret` against a fleetd that follows a script.
@Suite struct CredentialCommandTests {
    private static let canary = "canary-8471"

    private func file(_ bytes: [UInt8]) throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/fleetctl-credential-" + UUID().uuidString
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    @Test func set() async throws {
        let path = try file(Array(Self.canary.utf8))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let report = CredentialReport(changed: true, restarted: [try UnitName("web.service")])
        let result = try await FakeFleetd.run(["secret", "set", "db", path]) { _ in .json(report) }
        #expect(result.output == "Set secret db, 11 bytes\nRestarts web.service\n")
        #expect(result.status == 0)
        #expect(result.requests.map { "\($0.method) \($0.path)" } == ["PUT /fleet/v2/secrets/db"])
        #expect(result.requests[0].body == #"{"data":"\#(Data(Self.canary.utf8).base64EncodedString())"}"#)
        let again = try await FakeFleetd.run(["config", "set", "db", path]) { _ in
            .json(CredentialReport(changed: false))
        }
        #expect(again.output == "db is so already\n")
        #expect(again.requests.map(\.path) == ["/fleet/v2/configs/db"])
    }

    @Test func aSecretOnTheCommandLineIsNotSentOrRepeated() async throws {
        let result = try await FakeFleetd.run(["secret", "set", "db", Self.canary]) { _ in .refusal(500, "asked") }
        #expect(result.status == 2 && result.requests.isEmpty)
        #expect(result.errors.contains("secret set needs a FILE, or - for standard input"))
        #expect(!result.errors.contains(Self.canary))
    }

    @Test func aLargeOneIsRefusedHere() async throws {
        let path = try file([UInt8](repeating: 0, count: Limits.credentialBytes + 1))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let result = try await FakeFleetd.run(["config", "set", "big", path]) { _ in .refusal(500, "asked") }
        #expect(result.requests.isEmpty && result.errors == "\(path): a config has at most 524288 bytes\n")
    }

    @Test func list() async throws {
        let set = Provenance(at: Timestamp(milliseconds: 0), by: "root (uid 0)")
        let rows = [
            CredentialListing.Row(
                try #require(CredentialName("db")),
                size: 11,
                set: set,
                usedBy: [try UnitName("a.service"), try UnitName("web.service")],
                key: SecretKeyID("0123abcd")
            )
        ]
        let listing = CredentialListing(kind: .secret, rows: rows)
        let result = try await FakeFleetd.run(["secret", "list"]) { _ in .json(listing) }
        #expect(
            result.output == """
                NAME\tSIZE\tSET\t\t\t\tBY\t\tUSEDBY
                db\t11\tThu 1970-01-01 00:00:00 GMT\troot (uid 0)\ta.service,web.service

                """
        )
        let key = try await FakeFleetd.run(["secret", "list", "--fields=name,key", "--no-legend"]) { _ in .json(listing)
        }
        #expect(key.output == "db\t0123abcd\n")
        let json = try await FakeFleetd.run(["secret", "list", "--json"]) { _ in .json(listing) }
        #expect(json.output.contains("\"usedBy\""))
    }

    @Test func removeAndRotate() async throws {
        let removed = try await FakeFleetd.run(["config", "remove", "a", "b"]) { _ in
            .json(CredentialReport(changed: true))
        }
        #expect(removed.output == "Removed config a\nRemoved config b\n")
        #expect(
            removed.requests.map { "\($0.method) \($0.path)" } == [
                "DELETE /fleet/v2/configs/a", "DELETE /fleet/v2/configs/b",
            ]
        )
        let report = RotationReport(key: SecretKeyID("0123abcd"), sealed: 2)
        let rotated = try await FakeFleetd.run(["secret", "rotate"]) { _ in .json(report) }
        #expect(rotated.output == "Sealed 2 under the key 0123abcd\n")
    }

    @Test func aNewKeyIsALineOfTheKeyFile() async throws {
        let first = try await FakeFleetd.run(["secret", "key", "new"]) { _ in .refusal(500, "asked") }
        let second = try await FakeFleetd.run(["secret", "key", "new"]) { _ in .refusal(500, "asked") }
        #expect(first.requests.isEmpty && first.output != second.output)
        let parts = first.output.dropLast().split(separator: ":")
        let data = try #require(parts.last.flatMap { Data(base64Encoded: String($0)) })
        let key = Array(data)
        #expect(key.count == 32 && SecretKeyID(ofKey: key).description == parts.first.map(String.init))
    }

    @Test(arguments: [
        ["secret", "cat", "db"], ["secret"], ["secret", "set", "db"], ["config", "cat"], ["config", "set", ".db", "x"],
        ["secret", "key"], ["secret", "list", "db"], ["config", "remove"],
    ])
    func usage(_ arguments: [String]) async throws {
        let result = try await FakeFleetd.run(arguments) { _ in .refusal(500, "asked") }
        #expect(result.status == 2 && result.requests.isEmpty && !result.errors.isEmpty)
    }
}
