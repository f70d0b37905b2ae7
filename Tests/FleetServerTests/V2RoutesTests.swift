import FleetAPI
import FleetModel
import FoundationEssentials
import Testing
import UnitFile

@Suite struct V2RoutesTests {
    private func decode<Value: Decodable>(_ type: Value.Type, _ answer: RawResponse) throws -> Value {
        #expect(answer.status == 200, "\(answer.body)")
        #expect(answer.headers["content-type"] == "application/json")
        return try JSONDecoder().decode(type, from: Data(answer.body.utf8))
    }

    @Test func listings() async throws {
        let web = try UnitName("web.service")
        let blocked = FakeExplainer(reasons: [try UnitName("db.service"): "no machine has disk=tape"])
        try await LiveServer.run(explainer: blocked) { server in
            try await server.submit("web.service", action: "start")
            try await server.submit("db.service", action: "start")
            server.control.run(web)
            let units = try decode(UnitListing.self, try await server.ask("GET", "/fleet/v2/units")).units
            #expect(units.map(\.name.description) == ["db.service", "web.service"])
            #expect(units.map(\.blocked) == ["no machine has disk=tape", nil])
            #expect(units[1].description == "A web server")
            #expect(units[1].states.first?.status.active == "active")
            let machines = try decode(MachineListing.self, try await server.ask("GET", "/fleet/v2/machines")).machines
            #expect(machines.map(\.units) == [1])
            #expect(machines.map(\.state) == [.ready])
        }
    }

    @Test func detail() async throws {
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            let answer = try await server.ask("GET", "/fleet/v2/units/web.service")
            let detail = try decode(UnitDetail.self, answer)
            #expect(detail.text == LiveServer.simple)
            #expect(detail.events.map(\.kind) == [.submitted])
            #expect(try await server.ask("GET", "/fleet/v2/units/no.service").status == 404)
        }
    }

    @Test func registry() async throws {
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            let export = try await server.ask("GET", "/fleet/v2/registry")
            #expect(export.status == 200 && export.headers["content-type"] == "application/x-ndjson")
            let lines = export.body.split(separator: "\n")
            let header = try JSONDecoder().decode(ExportHeader.self, from: Data((lines.first ?? "").utf8))
            #expect(header.entries == lines.count - 1 && header.entries > 2)
            #expect(try await server.ask("DELETE", "/fleet/v2/registry").status == 405)
        }
    }

    @Test func aSocketFromSystemd() async throws {
        try await LiveServer.run(isActivated: true) { server in
            let answer = try await server.ask("GET", "/fleet/v2/version")
            #expect(answer.status == 200)
        }
    }

    @Test func versionAndHealth() async throws {
        try await LiveServer.run { server in
            let version = try decode(VersionReport.self, try await server.ask("GET", "/fleet/v2/version"))
            #expect(version.version == "9.9.9-test")
            let health = try decode(HealthReport.self, try await server.ask("GET", "/fleet/v2/health"))
            #expect(health == HealthReport(registry: nil, leader: .one, systemd: nil))
            server.control.fail("the disk is full")
            let bad = try await server.ask("GET", "/fleet/v2/health")
            #expect(bad.status == 503)
            #expect(bad.body.contains(#""registry":"the disk is full""#))
        }
    }

    @Test func journal() async throws {
        let line = JournalLine(at: .zero, hostname: "a", identifier: "sh", pid: 1, priority: 6, message: "hello")
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            server.control.write([line, line, line])
            let answer = try await server.ask("GET", "/fleet/v2/units/web.service/journal?lines=2")
            #expect(answer.headers["content-type"] == "application/x-ndjson")
            #expect(answer.body.split(separator: "\n").count == 2)
            #expect(try await server.ask("GET", "/fleet/v2/units/no.service/journal").status == 404)
            #expect(try await server.ask("GET", "/fleet/v2/units/web.service/journal?lines=x").status == 400)
            #expect(try await server.ask("GET", "/fleet/v2/units/web.service/journal?lines=-1").status == 400)
            #expect(try await server.ask("GET", "/fleet/v2/units/web.service/journal?follow=maybe").status == 400)
        }
    }

    @Test("Events of units that come from Quadlet files, by either name, also after they are gone")
    func eventsByFile() async throws {
        let (lan, web) = (try UnitName("lan.service"), try UnitName("web.service"))
        try await LiveServer.run { server in
            let body =
                #"{"action":"submit","wait":false,"units":[{"name":"app.network","text":"[Network]\nServiceName=lan"}]}"#
            #expect(try await server.ask("POST", "/fleet/v2/change", body).status == 200)
            server.control.tell(Self.event(lan, 2, "lan"))
            server.control.tell(Self.event(web, 3, "web"))
            func told(_ pattern: String) async throws -> [String] {
                try Self.messages(try await server.ask("GET", "/fleet/v2/events?unit=" + pattern).body)
                    .filter { !$0.hasPrefix("app.network submitted") }
            }
            for pattern in ["app.network", "*.network", "lan.service"] {
                #expect(try await told(pattern) == ["lan"], "\(pattern)")
            }
            // Nothing is known of web.service any more: it may have been this file.
            #expect(try await told("web.container") == ["web"])
            #expect(try await told("lan.network") == [])
            #expect(try await told("app-network.service") == [])
            let stop = #"{"action":"destroy","wait":false,"units":[{"name":"app.network"},{"name":"lan.service"}]}"#
            let answer = try await server.ask("POST", "/fleet/v2/change", stop)
            let lines = try LiveServer.lines(answer.body).filter { $0.kind == .stored }
            #expect(lines.map(\.unit) == [lan, lan])
            #expect(lines.map(\.source) == [try QuadletName("app.network"), nil])
        }
    }

    /// Who destroys `web.kube` does not mean the unit of `web.container`, whose service has the same name.
    @Test func aFileThatIsNotStoredIsNoUnitOfAnother() async throws {
        try await LiveServer.run { server in
            for (name, text, other) in [
                ("web.container", #"[Container]\nImage=x"#, "web.kube"),
                ("db.service", #"[Service]\nExecStart=/bin/true"#, "db.container"),
            ] {
                let submit = #"{"action":"submit","wait":false,"units":[{"name":"\#(name)","text":"\#(text)"}]}"#
                #expect(try await server.ask("POST", "/fleet/v2/change", submit).status == 200)
                let service = other.prefix { $0 != "." } + ".service"
                let origin = name.hasSuffix(".service") ? "a unit file of systemd's" : name
                let message = "\(service) is stored from \(origin), not from \(other)"
                for action in ["destroy", "stop", "start", "unload"] {
                    let body = #"{"action":"\#(action)","wait":false,"units":[{"name":"\#(other)"}]}"#
                    let answer = try await server.ask("POST", "/fleet/v2/change", body)
                    #expect(answer.status == 404 && answer.body.contains(message), "\(answer)")
                }
                for path in ["v2/units/\(other)", "v1/units/\(other)", "v1/state/\(other)"] {
                    #expect(try await server.ask("GET", "/fleet/" + path).status == 404, "\(path)")
                }
                #expect(try await server.ask("DELETE", "/fleet/v1/units/\(other)").status == 404)
                let put = #"{"desiredState":"launched"}"#
                #expect(try await server.ask("PUT", "/fleet/v1/units/\(other)", put).status == 404)
                #expect(try await !server.ask("GET", "/fleet/v1/state?unitName=\(other)").body.contains(service))
                #expect(server.control.current.units[try UnitName(String(service))] != nil)
            }
        }
    }

    private static func event(_ unit: UnitName, _ milliseconds: Int64, _ message: String) -> UnitEvent {
        UnitEvent(
            at: Timestamp(milliseconds: milliseconds),
            unit: unit,
            kind: .started,
            machine: .one,
            message: message
        )
    }

    private static func messages(_ body: String) throws -> [String] {
        try body.split(separator: "\n").map {
            try JSONDecoder().decode(EventLine.self, from: Data($0.utf8)).message
        }
    }

    @Test func events() async throws {
        let (web, db) = (try UnitName("web@1.service"), try UnitName("db.service"))
        try await LiveServer.run { server in
            server.control.tell(Self.event(web, 2, "second"))
            server.control.tell(Self.event(db, 1, "first"))
            server.control.tell(Self.event(db, 3, "third"))
            let all = try await server.ask("GET", "/fleet/v2/events")
            #expect(all.headers["content-type"] == "application/x-ndjson")
            #expect(try Self.messages(all.body) == ["first", "second", "third"])
            #expect(all.body.contains(#""hostname":"alpha""#))
            let newest = try await server.ask("GET", "/fleet/v2/events?lines=2")
            #expect(try Self.messages(newest.body) == ["second", "third"])
            let some = try await server.ask("GET", "/fleet/v2/events?unit=web@*.service&unit=no.service")
            #expect(try Self.messages(some.body) == ["second"])
            #expect(try await server.ask("GET", "/fleet/v2/events?lines=1001").status == 400)
            #expect(try await server.ask("GET", "/fleet/v2/events?unit=%5B").body.contains("is not a pattern"))
        }
    }

    /// What is stored comes first and once, then what is new, as far as it was asked for; fleetd's stop ends it.
    @Test func followedEvents() async throws {
        let (web, db) = (try UnitName("web.service"), try UnitName("db.service"))
        let lost = MachineEvent(at: .zero, kind: .lost, machine: .two, message: "is lost")
        try await LiveServer.run { server in
            server.control.tell(Self.event(web, 1, "old"))
            let everything = try server.connect()
            try await everything.send(LiveServer.request("GET", "/fleet/v2/events?follow=1"))
            let webOnly = try server.connect()
            try await webOnly.send(LiveServer.request("GET", "/fleet/v2/events?follow=1&unit=web.service"))
            try await eventually("two readers") { server.control.eventReaders == 2 }
            // Told already: it was stored when the reader came.
            server.control.pass([.unit(Self.event(web, 1, "old"))])
            server.control.pass([.machine(lost)])
            server.control.tell(Self.event(db, 2, "of another unit"))
            server.control.tell(Self.event(web, 3, "last"))
            let all = try await everything.receive { String(decoding: $0, as: UTF8.self).contains("last") }
            let some = try await webOnly.receive { String(decoding: $0, as: UTF8.self).contains("last") }
            let told = { (bytes: [UInt8]) in
                ["old", "is lost", "of another unit", "last"].map { word in
                    String(decoding: bytes, as: UTF8.self).count(of: word)
                }
            }
            #expect(told(all) == [1, 1, 1, 1])
            #expect(told(some) == [1, 0, 0, 1])
            await server.stop()
            _ = try await everything.receive()
        }
    }

    /// A follower gets what is there, then waits; fleetd's stop ends it.
    @Test func followedJournalEndsWithTheServer() async throws {
        let line = JournalLine(at: .zero, hostname: "a", identifier: "sh", pid: 1, priority: 6, message: "hello")
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            server.control.write([line])
            let client = try server.connect()
            try await client.send(LiveServer.request("GET", "/fleet/v2/units/web.service/journal?follow=1"))
            _ = try await client.receive { String(decoding: $0, as: UTF8.self).contains("hello") }
            await server.stop()
            _ = try await client.receive()
        }
    }

    @Test(arguments: [
        (#"{"units":[{"name":"a.service"}]}"#, 400, "action: is missing"),
        (#"{"action":"explode","units":[{"name":"a.service"}]}"#, 400, "action"),
        (#"{"action":"start","units":[]}"#, 400, "no units given"),
        (#"{"action":"start","units":[{"name":"a"}]}"#, 400, "units[0].name"),
        (#"{"action":"start","units":[{"name":"a.service","text":"[Service"}]}"#, 400, "a.service:1:"),
        (
            #"{"action":"start","units":[{"name":"a.service","text":"[Service","path":"/x/a.service"}]}"#, 400,
            "/x/a.service:1:"
        ),
    ])
    func changesThatMakeNoSense(_ body: String, _ status: Int, _ message: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.ask("POST", "/fleet/v2/change", body)
            #expect(answer.status == status)
            #expect(answer.body.contains(message), "\(answer.body)")
            #expect(try await server.ask("GET", "/fleet/v2/change").headers["allow"] == "POST")
        }
    }
}

extension String {
    /// How often `word` is in the text.
    fileprivate func count(of word: String) -> Int {
        ranges(of: word).count
    }
}
