import FleetAPI
import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct ChangeStreamTests {
    private func kinds(_ lines: [ChangeProgress]) -> [ChangeProgress.Kind] { lines.map(\.kind) }

    @Test func submitNeedsNoWaiting() async throws {
        try await LiveServer.run { server in
            let lines = try await server.change("submit", "web.service", text: LiveServer.simple, wait: true)
            #expect(kinds(lines) == [.stored, .arrived, .done])
            #expect(lines[1].state == .inactive)
            let again = try await server.change("submit", "web.service", text: LiveServer.simple, wait: true)
            #expect(kinds(again) == [.unchanged, .arrived, .done])
        }
    }

    @Test func startWaitsUntilTheUnitIsUp() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run { server in
            async let answer = server.change("start", "web.service", text: LiveServer.simple, wait: true)
            try await eventually("a follower") { server.control.followers == 1 }
            server.control.run(web, active: "activating", settled: false)
            server.control.run(web)
            let lines = try await answer
            #expect(kinds(lines) == [.stored, .arrived, .done])
            #expect(lines[1].machine?.hostname == "alpha")
            #expect(lines[1].active == "active")
            #expect(lines[1].state == .launched)
            try await eventually("nobody follows") { server.control.followers == 0 }
        }
    }

    @Test func startThatFailsSaysHow() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run { server in
            async let answer = server.change("start", "web.service", text: LiveServer.simple, wait: true)
            try await eventually("a follower") { server.control.followers == 1 }
            let failure = UnitFailure(cause: .exitCode, message: "exited with status 3", at: .zero)
            // Published at once; the journal's lines follow.
            server.control.run(web, active: "failed", settled: false, failure: failure)
            server.control.tell(
                UnitEvent(
                    at: .zero,
                    unit: web,
                    kind: .failed,
                    machine: server.control.machine,
                    message: failure.message,
                    journal: ["oops"]
                )
            )
            server.control.run(web, active: "failed", failure: failure)
            let lines = try await answer
            #expect(kinds(lines) == [.stored, .failed, .done])
            #expect(lines[1].failure == failure)
            #expect(lines[1].journal == ["oops"])
        }
    }

    @Test func aRefusalIsALine() async throws {
        try await LiveServer.run { server in
            let lines = try await server.change("stop", "no.service", wait: true)
            #expect(kinds(lines) == [.refused, .done])
            #expect(lines[0].message == "unit no.service does not exist")
            let start = try await server.change("start", "no.service", wait: true)
            #expect(start.first?.message == "unable to find Unit(no.service) in Registry or on filesystem")
        }
    }

    @Test func aDifferentLocalFileIsAWarning() async throws {
        try await LiveServer.run { server in
            try await server.submit("web.service")
            let lines = try await server.change("submit", "web.service", text: "[Service]\nExecStart=/bin/true\n")
            #expect(kinds(lines) == [.warning, .unchanged, .done])
            #expect(lines[0].message?.contains("Add --replace to override.") == true)
        }
    }

    /// fleet's order: the stored template wins over the local one.
    @Test func instancesComeFromTheStoredTemplate() async throws {
        try await LiveServer.run { server in
            try await server.submit("web@.service", "[Service]\nExecStart=/bin/stored %i\n")
            let body = #"""
                {"action":"start","wait":false,"units":[{"name":"web@1.service","template":"[Service]\nExecStart=/bin/local\n"}]}
                """#
            #expect(try await server.ask("POST", "/fleet/v2/change", body).status == 200)
            let stored = ContentHash(of: "[Service]\nExecStart=/bin/stored %i\n")
            #expect(server.control.current.units[try UnitName("web@1.service")]?.intent.file == stored)
            let missing = body.replacing("web@1", with: "db@1")
            #expect(try await server.ask("POST", "/fleet/v2/change", missing).status == 200)
            let local = ContentHash(of: "[Service]\nExecStart=/bin/local\n")
            #expect(server.control.current.units[try UnitName("db@1.service")]?.intent.file == local)
        }
    }

    @Test func destroyWaitsUntilNoMachineHasIt() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            server.control.run(web)
            async let answer = server.change("destroy", "web.service", wait: true)
            try await eventually("a follower") { server.control.followers == 1 }
            #expect(server.control.current.units[web] == nil)
            server.control.remove(web)
            #expect(kinds(try await answer) == [.stored, .arrived, .done])
        }
    }

    /// The client leaves while it waits: the waiting ends, the change stays.
    @Test func aClientThatLeavesEndsTheWait() async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            let body = try LiveServer.changeBody("start", "web.service", text: LiveServer.simple, wait: true)
            try await client.send(LiveServer.request("POST", "/fleet/v2/change", body))
            try await eventually("a follower") { server.control.followers == 1 }
            client.shut()
            try await eventually("nobody follows") { server.control.followers == 0 }
            #expect(server.control.current.units[try UnitName("web.service")]?.target.state == .launched)
        }
    }

    /// fleetd stops while a client waits: it is told so, and the answer has no `done`.
    @Test func aStopEndsTheWait() async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            let body = try LiveServer.changeBody("start", "web.service", text: LiveServer.simple, wait: true)
            try await client.send(LiveServer.request("POST", "/fleet/v2/change", body))
            try await eventually("a follower") { server.control.followers == 1 }
            await server.stop()
            let lines = try LiveServer.lines(RawResponse(await client.receive()).body)
            #expect(kinds(lines) == [.stored, .warning])
            let message = "fleetd is stopping: the change is stored, but nobody follows it here any more"
            #expect(lines.last?.message == message)
        }
    }

    /// However often nothing can be read.
    @Test func whyTheRegistryIsAwayIsToldOnce() async throws {
        try await LiveServer.run { server in
            let client = try server.connect()
            let body = try LiveServer.changeBody("start", "web.service", text: LiveServer.simple, wait: true)
            try await client.send(LiveServer.request("POST", "/fleet/v2/change", body))
            try await eventually("a follower") { server.control.followers == 1 }
            var seen: [UInt8] = []
            for problem in ["the disk is full", "the disk is full", "the cable is cut"] {
                server.control.fail(problem)
                let known = seen
                seen += try await client.receive {
                    String(decoding: known + $0, as: UTF8.self).contains(problem)
                }
            }
            server.control.fail(nil)
            server.control.run(try UnitName("web.service"))
            seen += try await client.receive()
            let lines = try LiveServer.lines(RawResponse(seen).body)
            #expect(kinds(lines) == [.stored, .waiting, .waiting, .arrived, .done])
            #expect(lines.compactMap(\.message) == ["the disk is full", "the cable is cut"])
        }
    }

    @Test func aRegistryThatIsAwayIsWaitedFor() async throws {
        let web = try UnitName("web.service")
        try await LiveServer.run { server in
            async let answer = server.change("start", "web.service", text: LiveServer.simple, wait: true)
            try await eventually("a follower") { server.control.followers == 1 }
            server.control.fail("the registry is away")
            server.control.fail(nil)
            server.control.run(web)
            let lines = try await answer
            #expect(lines.last?.kind == .done)
            #expect(kinds(lines).filter { $0 != .waiting } == [.stored, .arrived, .done])
        }
    }
}
