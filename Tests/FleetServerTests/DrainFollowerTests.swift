import FleetAPI
import FleetModel
import FoundationEssentials
import Testing
import UnitFile

/// What a drain tells whoever waits for it.
@Suite struct DrainFollowerTests {
    private func kinds(_ body: String, _ server: LiveServer) async throws -> [MachineProgress.Kind] {
        try await order(body, server).map { $0.kind }
    }

    private func order(_ body: String, _ server: LiveServer) async throws -> [MachineProgress] {
        let answer = try await server.ask("POST", "/fleet/v2/machines/orders", body)
        #expect(answer.status == 200, "\(answer.body)")
        return try answer.body.split(separator: "\n").map {
            try JSONDecoder().decode(MachineProgress.self, from: Data($0.utf8))
        }
    }

    @Test func cordonByHostName() async throws {
        try await LiveServer.run { server in
            let body = #"{"action":"cordon","machines":["alpha"],"reason":"disk"}"#
            let answer1 = try await kinds(body, server)
            #expect(answer1 == [.stored, .done])
            let answer2 = try await kinds(body, server)
            #expect(answer2 == [.unchanged, .done])
            #expect(server.control.current.machines[.one]?.orders.cordoned?.reason == "disk")
            let answer3 = try await kinds(#"{"action":"uncordon","machines":["1111"]}"#, server)
            #expect(answer3 == [.stored, .done])
            #expect(server.control.current.machines[.one]?.orders.isEmpty == true)
        }
    }

    /// One bad name, and nothing is written.
    @Test(arguments: [
        (#"{"action":"cordon","machines":["alpha","omega"]}"#, 404), (#"{"action":"cordon","machines":[]}"#, 400),
        (#"{"action":"drain","machines":["alpha"],"deadline":-1}"#, 400),
        (#"{"action":"explode","machines":["alpha"]}"#, 400),
    ])
    func refusals(_ body: String, _ status: Int) async throws {
        try await LiveServer.run { server in
            let answer = try await server.ask("POST", "/fleet/v2/machines/orders", body)
            #expect(answer.status == status)
            #expect(server.control.current.machines[.one]?.orders.isEmpty == true)
        }
    }

    @Test func drainTellsEachUnitAndItsReason() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run(explainer: FakeExplainer(reasons: [web: "no other machine"])) { server in
            try await server.submit("web.service", action: "start")
            server.control.run(web)
            async let answer = order(#"{"action":"drain","machines":["alpha"],"wait":true}"#, server)
            try await eventually("followed") { server.control.followers > 0 }
            server.control.remove(web)
            let lines = try await answer
            #expect(lines.map { $0.kind } == [.stored, .staying, .left, .drained, .done])
            #expect(lines[1].message == "no other machine")
            #expect(lines[2].unit == web)
        }
    }

    /// The order stays; the answer has no `done`.
    @Test func aStopEndsTheWait() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            server.control.run(web)
            async let answer = order(#"{"action":"drain","machines":["alpha"],"wait":true}"#, server)
            try await eventually("followed") { server.control.followers > 0 }
            await server.stop()
            let lines = try await answer
            #expect(lines.map { $0.kind } == [.stored, .warning])
            let message = "fleetd is stopping: the order is stored, but nobody follows it here any more"
            #expect(lines.last?.message == message)
        }
    }

    @Test func aDrainThatIsEnded() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            server.control.run(web)
            async let answer = order(#"{"action":"drain","machines":["alpha"],"wait":true}"#, server)
            try await eventually("followed") { server.control.followers > 0 }
            _ = try await order(#"{"action":"uncordon","machines":["alpha"]}"#, server)
            let lines = try await answer
            #expect(lines.map { $0.kind } == [.stored, .ended, .done])
        }
    }
}
