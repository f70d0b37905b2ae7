import FleetModel
import FleetServer
import NIOCore
import Testing
import UnitFile

@Suite struct ServerLimitsTests {
    private func limits(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = ServerLimits()
        change(&limits)
        return limits
    }

    @Test func aHeadThatDripsIsCutOff() async throws {
        try await LiveServer.run(limits: limits { $0.headTime = .milliseconds(50) }) { server in
            let client = try server.connect()
            try await client.send("GET /fleet/v1/units HTTP/1.1\r\nHo")
            let answer = try RawResponse(await client.receive())
            #expect(answer.status == 408)
            #expect(answer.body.contains("head did not come"))
        }
    }

    @Test func aBodyThatDripsIsCutOff() async throws {
        try await LiveServer.run(limits: limits { $0.bodyTime = .milliseconds(50) }) { server in
            let client = try server.connect()
            try await client.send(
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            )
            let answer = try RawResponse(await client.receive())
            #expect(answer.status == 408)
            #expect(answer.body.contains("body did not come"))
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        try await LiveServer.run(limits: limits { $0.idleTime = .milliseconds(50) }) { server in
            let received = try await server.connect().receive()
            #expect(received.isEmpty)
        }
    }

    /// Long enough that a busy machine sends the request in time.
    @Test func anIdleConnectionIsClosedAfterItsRequestToo() async throws {
        try await LiveServer.run(limits: limits { $0.idleTime = .seconds(2) }) { server in
            let client = try server.connect()
            try await client.send(LiveServer.request("GET", "/fleet/v2/version", connection: "keep-alive"))
            #expect(try RawResponse(await client.receive()).status == 200)
        }
    }

    @Test func aConnectionIsUsedAgain() async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            for _ in 0..<3 {
                try await client.send(LiveServer.request("GET", "/fleet/v2/version", connection: "keep-alive"))
                let answer = try RawResponse(
                    await client.receive { String(decoding: $0, as: UTF8.self).hasSuffix("}") }
                )
                #expect(answer.status == 200)
            }
        }
    }

    @Test(arguments: [true, false]) func aBodyThatIsTooLarge(_ isDeclared: Bool) async throws {
        let limits = limits {
            $0.bodyBytes = 1000
            $0.lingerTime = .milliseconds(50)
        }
        try await LiveServer.run(limits: limits) { server in
            let client = try server.connect()
            let head = "PUT /fleet/v1/units/a.service HTTP/1.1\r\nContent-Type: application/json\r\n"
            let body = String(repeating: " ", count: 4000)
            let rest =
                isDeclared
                ? "Content-Length: 4000\r\n\r\n\(body)" : "Transfer-Encoding: chunked\r\n\r\nfa0\r\n\(body)\r\n"
            try await client.send(head + rest)
            let answer = try RawResponse(await client.receive())
            #expect(answer.status == 413)
            #expect(answer.body.contains("at most 1000 bytes"))
            #expect(answer.headers["connection"] == "close")
        }
    }

    /// An endless body that nobody reads is not drained for ever.
    @Test func anEndlessBodyIsCutOff() async throws {
        let limits = limits {
            $0.bodyBytes = 1000
            $0.lingerTime = .milliseconds(50)
        }
        try await LiveServer.run(limits: limits) { server in
            let client = try server.connect()
            try await client.send("POST /fleet/v1/nothing HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            let answer = try RawResponse(await client.receive())
            #expect(answer.status == 404)
        }
    }

    @Test func oneConnectionTooMany() async throws {
        try await LiveServer.run(limits: limits { $0.connections = 2 }) { server in
            let first = try server.connect()
            let second = try server.connect()
            for client in [first, second] {
                try await client.send(LiveServer.request("GET", "/fleet/v2/version", connection: "keep-alive"))
                _ = try await client.receive { String(decoding: $0, as: UTF8.self).hasSuffix("}") }
            }
            let third = try server.connect()
            let answer = try RawResponse(await third.receive())
            #expect(answer.status == 503)
            #expect(answer.body.contains("2 connections already"))
            first.shut()
            try await eventually("room") { (try? await server.ask("GET", "/fleet/v2/version").status) == 200 }
        }
    }

    @Test func aStopClosesIdleConnectionsAtOnce() async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            try await client.send(LiveServer.request("GET", "/fleet/v2/version", connection: "keep-alive"))
            _ = try await client.receive { String(decoding: $0, as: UTF8.self).hasSuffix("}") }
            await server.stop()
            #expect(try await client.receive().isEmpty)
        }
    }

    /// A request that never ends is cut off when the stop's time is over; one that comes too late is told so, or not
    /// accepted at all. The client is never left hanging.
    @Test(arguments: 0..<10) func aStopDoesNotWaitForEver(_ round: Int) async throws {
        try await LiveServer.run(limits: limits { $0.shutdownTime = .milliseconds(50) }) { server in
            let client = try server.connect()
            try await client.send(
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            )
            await server.stop()
            let received = try await client.receive()
            #expect(try received.isEmpty || RawResponse(received).body.contains("fleetd is stopping"))
        }
    }
}
