import FleetModel
import FleetServer
import Testing
import UnitFile

/// Whatever comes in, the answer is an error in the API's form, and the next request is answered.
@Suite struct HostileInputTests {
    /// Something to send; its name in the log is short.
    struct Sent: Sendable, CustomTestStringConvertible {
        var text: String
        init(_ text: String) { self.text = text }
        var testDescription: String { text.utf8.count > 80 ? "\(text.prefix(80))... (\(text.utf8.count) bytes)" : text }
    }

    static let targets: [(String, Int)] = [
        ("/fleet/v1/units/..%2F..%2Fetc%2Fpasswd.service", 400),
        ("/fleet/v1/units/a%2Fb.service", 400),
        ("/fleet/v1/units/../machines", 404),
        ("/fleet/v1/units/..", 400),
        ("/fleet/v1/units/%2e%2e", 400),
        ("/fleet/v1/units/a%00.service", 400),
        ("/fleet/v1/units/%ff%fe.service", 400),
        ("/fleet/v1/units/%c0%ae.service", 400),
        ("/fleet/v1/units/%zz.service", 400),
        ("/fleet/v1/units/a%2", 400),
        ("/fleet/v1/units/a%0d%0aX: y.service", 400),
        ("/fleet/v1/units/" + String(repeating: "a", count: 300) + ".service", 400),
        ("/fleet/v1/units/" + String(repeating: "a", count: 10_000) + ".service", 400),
        ("/fleet/v1/units/" + String(repeating: "a/", count: 3000), 404),
        ("/fleet//v1/units", 404),
        ("//fleet/v1/units", 404),
        ("/fleet/v1/units?nextPageToken=%ff", 400),
        ("/fleet/v1/units?nextPageToken=" + String(repeating: "A", count: 4000), 400),
        ("/fleet/v1/units?" + String(repeating: "a=b&", count: 2000), 200),
        ("*", 400),
        ("http://fleet/fleet/v1/units", 200),
    ]

    @Test(arguments: targets.map { (Sent($0), $1) }) func target(_ sent: Sent, _ status: Int) async throws {
        let target = sent.text
        try await LiveServer.run { server in
            let client = try server.connect()
            try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let answer = try RawResponse(await client.receive())
            #expect(answer.status == status || (answer.status == 400 && target.contains(" ")), "\(answer.body)")
            if answer.status >= 400 { #expect(answer.body.contains(#""error":{"code":"#), "\(answer.body)") }
            #expect(try await server.ask("GET", "/fleet/v2/version").status == 200)
        }
    }

    static let bodies: [(String, String)] = [
        (String(repeating: "[", count: 100_000), "nested deeper"),
        (String(repeating: #"{"a":"#, count: 100_000), "nested deeper"),
        (#"{"desiredState":"loaded","desiredState":"launched"}"#, "given twice"),
        (#"{"desiredState":"loaded","\u0064esiredState":"launched"}"#, "given twice"),
        (#"{"desiredState":"loa"#, "does not end"),
        (#"{"desiredState":"\ud800"}"#, "surrogate"),
        (#"{"desiredState":NaN}"#, "expected a JSON value"),
        (#"{"desiredState":1e999}"#, "desiredState"),
        (#"{"desiredState":"loaded"} x"#, "more follows"),
        (#"["desiredState"]"#, "the body"),
        ("null", "the body"),
        ("\u{FEFF}{}", "expected a JSON value"),
        (#"{"name":"a.service\u0000","desiredState":"loaded"}"#, "differs from unit name"),
        (#"{"options":[{"section":"Service","name":"ExecStart","value":"a\u0000b"}]}"#, "NUL"),
    ]

    @Test(arguments: bodies.map { (Sent($0), $1) }) func body(_ sent: Sent, _ message: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.ask("PUT", "/fleet/v1/units/a.service", sent.text)
            #expect(answer.status == 400, "\(answer.body)")
            #expect(answer.body.contains(message), "\(answer.body)")
        }
    }

    @Test func bytesThatAreNotUTF8() async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            let head =
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n"
            try await client.send(Array(head.utf8) + [0x22, 0xff, 0xfe, 0x22])
            let answer = try RawResponse(await client.receive())
            #expect(answer.status == 400)
            #expect(answer.body.contains("not UTF-8"))
        }
    }

    static let nonsense = [
        "nonsense\r\n\r\n",
        "\u{0}\u{1}\u{2}\u{3}\r\n\r\n",
        "GET /fleet/v1/units HTTP/9.9\r\n\r\n",
        "GET /fleet/v1/units HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "GET /fleet/v1/units HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT /fleet/v1/units/a.service HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /fleet/v1/units HTTP/1.1\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n\r\n",
        "GET /fleet/v1/units HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 5_000) + "\r\n",
        "GET /" + String(repeating: "a", count: 1_000_000) + " HTTP/1.1\r\n\r\n",
    ]

    @Test(arguments: nonsense.map(Sent.init)) func notHTTP(_ sent: Sent) async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            try await client.send(sent.text)
            let answer = try RawResponse(await client.receive())
            #expect((400..<500).contains(answer.status), "\(answer.status) \(answer.body)")
            #expect(answer.body.contains(#""error":{"code":"#))
            #expect(try await server.ask("GET", "/fleet/v2/version").status == 200)
        }
    }

    @Test func manyConnectionsComeAndGo() async throws {
        try await LiveServer.run { server in
            for round in 0..<200 {
                let client = try server.connect()
                if round.isMultiple(of: 3) { try await client.send("GET /fleet/v1/un") }
                client.shut()
            }
            #expect(try await server.ask("GET", "/fleet/v2/version").status == 200)
        }
    }
}
