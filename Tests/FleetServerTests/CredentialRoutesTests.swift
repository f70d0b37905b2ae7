import FleetAPI
import FleetModel
import FoundationEssentials
import Testing
import UnitFile

@Suite struct CredentialRoutesTests {
    private static let canary = "canary-8471"

    private func body(_ text: String) -> String {
        #"{"data":"\#(Data(text.utf8).base64EncodedString())"}"#
    }

    @Test func aSecretGoesInAndNeverOut() async throws {
        try await LiveServer.run { server in
            let set = try await server.ask("PUT", "/fleet/v2/secrets/db", body(Self.canary))
            #expect(set.status == 200 && set.body.contains(#""changed":true"#))
            let id = CredentialID(.secret, try #require(CredentialName("db")))
            #expect(server.control.blob(of: id) == Self.canary.utf8.map { ~$0 })
            for path in ["secrets", "configs", "registry", "units", "machines"] {
                let answer = try await server.ask("GET", "/fleet/v2/\(path)")
                #expect(answer.status == 200)
                for text in [Self.canary, Data(Self.canary.utf8).base64EncodedString()] {
                    #expect(!answer.body.contains(text))
                }
            }
            let answer = try await server.ask("GET", "/fleet/v2/secrets/db")
            #expect(answer.status == 405 && answer.headers["allow"] == "PUT, DELETE")
            let listing = try JSONDecoder().decode(
                CredentialListing.self,
                from: Data(try await server.ask("GET", "/fleet/v2/secrets").body.utf8)
            )
            #expect(listing.rows.map(\.name.description) == ["db"])
            #expect(listing.rows.first?.size == Self.canary.utf8.count)
            #expect(try await server.ask("DELETE", "/fleet/v2/secrets/db").status == 200)
            #expect(try await server.ask("DELETE", "/fleet/v2/secrets/db").status == 404)
        }
    }

    @Test func aConfigComesBack() async throws {
        try await LiveServer.run { server in
            #expect(try await server.ask("PUT", "/fleet/v2/configs/app.conf", body("a=b\n")).status == 200)
            let answer = try await server.ask("GET", "/fleet/v2/configs/app.conf")
            #expect(answer.body == body("a=b\n"))
            #expect(try await server.ask("GET", "/fleet/v2/configs/other").status == 404)
        }
    }

    @Test func whatIsWrongIsToldWithoutTheContent() async throws {
        try await LiveServer.run { server in
            for sent in [#"{"data":"\#(Self.canary)!"}"#, #"{"data":"\#(Self.canary)"#, #"{"dta":"\#(Self.canary)"}"#] {
                let answer = try await server.ask("PUT", "/fleet/v2/secrets/db", sent)
                #expect(answer.status == 400 && !answer.body.contains(Self.canary), "\(answer.body)")
            }
            let named = try await server.ask("PUT", "/fleet/v2/secrets/.db", body("x"))
            #expect(named.status == 400 && named.body.contains("is not a name"))
            let rotation = try await server.ask("POST", "/fleet/v2/secrets")
            #expect(rotation.body == #"{"key":"0123abcd","sealed":2}"#)
        }
    }
}
