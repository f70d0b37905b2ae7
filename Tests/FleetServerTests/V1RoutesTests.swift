import FleetModel
import FleetRegistry
import FleetServer
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct V1RoutesTests {
    static let options = #"[{"section":"Service","name":"ExecStart","value":"/bin/sleep 1"}]"#
    static let one = String(repeating: "1", count: 32)

    struct Case: Sendable, CustomTestStringConvertible {
        var method: String
        var target: String
        var body: String?
        var status: Int
        var contains: [String]

        init(_ method: String, _ target: String, _ status: Int, _ contains: String...) {
            self.method = method
            self.target = target
            self.status = status
            self.contains = contains
        }

        init(_ method: String, _ target: String, _ body: String, _ status: Int, _ contains: String...) {
            self.method = method
            self.target = target
            self.body = body
            self.status = status
            self.contains = contains
        }

        var testDescription: String { "\(method) \(target) \(body ?? "")" }
    }

    /// On a fleet with one machine and web.service, launched.
    static let cases = [
        Case(
            "GET",
            "/fleet/v1/machines",
            200,
            #"{"machines":[{"id":"\#(one)","metadata":{"disk":"ssd"},"primaryIP":"10.0.0.1"}]}"#
        ),
        Case("GET", "/v1-alpha/machines", 200, #""machines":[{"#),
        Case("GET", "/fleet/v1/machines?nextPageToken=nonsense", 400, "nextPageToken is invalid"),
        Case("GET", "/fleet/v1/machines?nextPageToken=ZQABAA==", 400, "token limit must be 100"),
        Case("GET", "/fleet/v1/machines?nextPageToken=ZAAAAA==", 400, "larger than zero"),
        Case("GET", "/fleet/v1/machines?nextPageToken=ZAABAA==&nextPageToken=ZAABAA==", 400, "more than once"),
        Case("GET", "/fleet/v1/machines?nextPageToken=ZAACAA%3D%3D", 200, #"{"machines":[]}"#),
        Case("POST", "/fleet/v1/machines", "{}", 405, "GET, HEAD, PATCH"),
        Case(
            "GET",
            "/fleet/v1/units",
            200,
            #""currentState":"launched""#,
            #""desiredState":"launched""#,
            #""machineID":"\#(one)""#,
            #"{"name":"Description","section":"Unit","value":"A web server"}"#
        ),
        Case("DELETE", "/fleet/v1/units", 405, "GET, HEAD"),
        Case("GET", "/fleet/v1/units/web.service", 200, #""name":"web.service""#),
        Case("GET", "/fleet/v1/units/no.service", 404, "unit does not exist"),
        Case("POST", "/fleet/v1/units/web.service", "{}", 405, "GET, HEAD, PUT, DELETE"),
        Case("GET", "/fleet/v1/units/web.service/", 404, "no such resource"),
        Case("GET", "/fleet/v1/units/web.service/more", 404, "no such resource"),
        Case("GET", "/fleet/v1/units/", 404, "no such resource"),
        Case("PUT", "/fleet/v1/units/a.service", #"{"desiredState":"launched","options":\#(options)}"#, 201),
        Case("PUT", "/fleet/v1/units/a.service", #"{"name":"a.service","options":\#(options)}"#, 201),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"name":"b.service","options":\#(options)}"#,
            400,
            "differs from unit name in request body"
        ),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"desiredState":"launched"}"#,
            409,
            "unit does not exist and options field empty"
        ),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"desiredState":"lunched","options":\#(options)}"#,
            400,
            "desiredState",
            "inactive, loaded, launched"
        ),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"options":[{"section":"Service","name":"ExecStart","value":"a\nUser=root"}]}"#,
            400,
            "line break"
        ),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"options":[{"section":"S]\n[X","name":"A","value":"1"}]}"#,
            400,
            "section"
        ),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"options":[{"section":"Service","name":"A=B","value":"1"}]}"#,
            400,
            "name"
        ),
        Case(
            "PUT",
            "/fleet/v1/units/a.service",
            #"{"options":[{"section":"Service","name":"A","value":5}]}"#,
            400,
            "options[0].value"
        ),
        Case("PUT", "/fleet/v1/units/a.service", #"{"options":{}}"#, 400, "options"),
        Case("PUT", "/fleet/v1/units/a.service", "", 400, "empty"),
        Case(
            "PUT",
            "/fleet/v1/units/a@.service",
            #"{"desiredState":"loaded","options":\#(options)}"#,
            400,
            "cannot activate template"
        ),
        Case("PUT", "/fleet/v1/units/a@.service", #"{"options":\#(options)}"#, 201),
        Case("PUT", "/fleet/v1/units/a.nonsense", #"{"options":\#(options)}"#, 400, "invalid unit type"),
        Case("PUT", "/fleet/v1/units/web.service", #"{"desiredState":"loaded"}"#, 204),
        Case("PUT", "/fleet/v1/units/web.service", #"{"desiredState":"lunched"}"#, 400, "desiredState"),
        Case("PUT", "/fleet/v1/units/web.service", "{}", 409, "must provide DesiredState to update existing unit"),
        Case("PUT", "/fleet/v1/units/web.service", #"{"options":\#(options)}"#, 201),
        Case("DELETE", "/fleet/v1/units/web.service", 204),
        Case("DELETE", "/fleet/v1/units/no.service", 404, "unit does not exist"),
        Case(
            "GET",
            "/fleet/v1/state",
            200,
            #""name":"web.service""#,
            #""systemdActiveState":"active""#,
            #""systemdLoadState":"loaded""#
        ),
        Case("GET", "/fleet/v1/state?unitName=no.service", 200, #"{"states":[]}"#),
        Case("GET", "/fleet/v1/state?machineID=\(one)&unitName=web.service", 200, #""machineID":"\#(one)""#),
        Case("GET", "/fleet/v1/state?machineID=x", 200, #"{"states":[]}"#),
        Case("GET", "/fleet/v1/state/web.service", 200, #""systemdSubState":"running""#),
        Case("GET", "/fleet/v1/state/no.service", 404, "no machine reports no.service"),
        Case("GET", "/fleet/v1/discovery", 200, "discovery#restDescription"),
        Case("PUT", "/fleet/v1/discovery", "{}", 405, "GET, HEAD"),
        Case("GET", "/", 405, "discovery"),
        Case("GET", "/fleet/v1", 405, "discovery"),
        Case("GET", "/fleet", 404, "no such resource"),
        Case("GET", "/fleet/v3/units", 404, "no such resource"),
        Case("PATCH", "/fleet/v1/machines", #"[{"op":"add","path":"/\#(one)/metadata/zone","value":"b"}]"#, 204),
        Case(
            "PATCH",
            "/fleet/v1/machines",
            #"[{"op":"replace","path":"/\#(one)/metadata/zone","value":{"value":"b"}}]"#,
            204
        ),
        Case("PATCH", "/fleet/v1/machines", #"[{"op":"remove","path":"/\#(one)/metadata/disk"}]"#, 204),
        Case("PATCH", "/fleet/v1/machines", #"[{"op":"move","path":"/\#(one)/metadata/disk"}]"#, 400, "invalid op"),
        Case("PATCH", "/fleet/v1/machines", #"[{"op":"add","path":"/\#(one)/metadata/zone"}]"#, 400, "require a value"),
        Case(
            "PATCH",
            "/fleet/v1/machines",
            #"[{"op":"add","path":"/\#(one)/labels/zone","value":"b"}]"#,
            400,
            "path invalid"
        ),
        Case(
            "PATCH",
            "/fleet/v1/machines",
            #"[{"op":"add","path":"/xyz/metadata/zone","value":"b"}]"#,
            400,
            "path invalid"
        ),
        Case(
            "PATCH",
            "/fleet/v1/machines",
            #"[{"op":"add","path":"/\#(one)/metadata/a/b","value":"b"}]"#,
            400,
            "path invalid"
        ),
        Case("PATCH", "/fleet/v1/machines", "nonsense", 400, "invalid JSON at byte"),
    ]

    @Test(arguments: cases) func route(_ example: Case) async throws {
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            server.control.run(try UnitName("web.service"))
            let answer = try await server.ask(example.method, example.target, example.body)
            #expect(answer.status == example.status, "\(answer.body)")
            #expect(answer.headers["server"] == "fleetd/9.9.9-test")
            for part in example.contains {
                let isThere = answer.body.contains(part) || answer.headers["allow"] == part
                #expect(isThere, "\(answer.body)")
            }
            if example.status == 405 { #expect(answer.headers["allow"] != nil) }
            if example.status >= 400 {
                #expect(answer.body.hasPrefix(#"{"error":{"code":\#(example.status),"message":""#), "\(answer.body)")
                #expect(!answer.body.contains(#""message":"""#))
            }
        }
    }

    @Test func emptyListsAreLists() async throws {
        try await LiveServer.run { server in
            let units = try await server.ask("GET", "/fleet/v1/units")
            #expect(units.body == #"{"units":[]}"#)
            let states = try await server.ask("GET", "/fleet/v1/state")
            #expect(states.body == #"{"states":[]}"#)
        }
    }

    @Test func headHasNoBody() async throws {
        try await LiveServer.run { server in
            let answer = try await server.ask("HEAD", "/fleet/v1/units")
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            #expect(answer.headers["content-length"] == "12")
        }
    }

    @Test(arguments: [
        [], ["Content-Type: text/plain"], ["Content-Type: application/json", "Content-Type: application/json"],
    ])
    func putNeedsItsContentType(_ headers: [String]) async throws {
        try await LiveServer.run { server in
            let body = #"{"options":\#(Self.options)}"#
            let answer = try await server.ask("PUT", "/fleet/v1/units/a.service", body, headers: headers)
            #expect(answer.status == 415)
        }
    }

    /// What GET gave, sent back with another state, is a change of state: comments stay, and nothing is stopped first.
    @Test func sameOptionsAreTheSameUnit() async throws {
        try await LiveServer.run { server in
            let text = "# a comment\n[Service]\nExecStart=/bin/sleep \\\n  1\n"
            try await server.submit("web.service", text, action: "start")
            let got = try await server.ask("GET", "/fleet/v1/units/web.service").body
            let body = got.replacing(#""desiredState":"launched""#, with: #""desiredState":"loaded""#)
            #expect(body != got)
            #expect(try await server.ask("PUT", "/fleet/v1/units/web.service", body).status == 204)
            let unit = try #require(server.control.current.units[try UnitName("web.service")])
            #expect(unit.intent.file == ContentHash(of: text))
            #expect(unit.target.state == .loaded)
        }
    }

    /// A unit that comes from a Quadlet file goes by both names, and stays that file when what GET gave is sent back.
    @Test func quadletFiles() async throws {
        let options = #"[{"section":"Container","name":"Image","value":"localhost/bb:1"}]"#
        try await LiveServer.run { server in
            let body = #"{"name":"web.container","desiredState":"launched","options":\#(options)}"#
            let put = try await server.ask("PUT", "/fleet/v1/units/web.container", body)
            #expect(put.status == 201, "\(put.body)")
            let web = try UnitName("web.service")
            #expect(server.control.current.units[web]?.intent.source == (try QuadletName("web.container")))
            server.control.run(web)
            let got = try await server.ask("GET", "/fleet/v1/units/web.container").body
            #expect(got == (try await server.ask("GET", "/fleet/v1/units/web.service").body))
            #expect(got.contains(#""name":"web.service""#) && got.contains(#""source":"web.container""#), "\(got)")
            #expect(got.contains(#""section":"Container""#) && got.contains(#""currentState":"launched""#))
            for state in ["state/web.container", "state?unitName=web.container"] {
                let answer = try await server.ask("GET", "/fleet/v1/" + state)
                #expect(answer.status == 200 && answer.body.contains(#""systemdActiveState":"active""#), "\(state)")
            }
            let stop = got.replacing(#""desiredState":"launched""#, with: #""desiredState":"loaded""#)
            #expect(try await server.ask("PUT", "/fleet/v1/units/web.container", stop).status == 204)
            let changed = stop.replacing("bb:1", with: "bb:2")
            let answer = try await server.ask("PUT", "/fleet/v1/units/web.service", changed)
            #expect(answer.status == 201, "\(answer.body)")
            #expect(server.control.current.units[web]?.intent.source == (try QuadletName("web.container")))
            let other = try await server.ask("PUT", "/fleet/v1/units/web.service", #"{"options":\#(Self.options)}"#)
            #expect(other.status == 409 && other.body.contains("destroy it first"), "\(other.body)")
            #expect(try await server.ask("DELETE", "/fleet/v1/units/web.container").status == 204)
            #expect(server.control.current.units.isEmpty)
            // What one fleet gave, sent to another.
            #expect(try await server.ask("PUT", "/fleet/v1/units/web.service", changed).status == 201)
        }
    }

    @Test(arguments: [
        ("web.container", #"[{"section":"Container","name":"Imge","value":"x"}]"#, "unknown key Imge="),
        ("web.container", #"[{"section":"Service","name":"ExecStart","value":"/bin/true"}]"#, "[Container]"),
        (".container", #"[{"section":"Container","name":"Image","value":"x"}]"#, "cannot start"),
        (
            "web.container",
            #"[{"section":"Container","name":"Image","value":"x"},{"section":"Container","name":"Pod","value":"p.pod"}]"#,
            "neither in the registry nor in this request"
        ),
    ])
    func wrongQuadletFiles(_ name: String, _ options: String, _ message: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.ask("PUT", "/fleet/v1/units/\(name)", #"{"options":\#(options)}"#)
            #expect(answer.status == 400 && answer.body.contains(message), "\(answer.status) \(answer.body)")
        }
    }

    /// fleet's rule: other options without a state mean inactive.
    @Test func replacedOptionsResetTheState() async throws {
        try await LiveServer.run { server in
            try await server.submit("web.service", action: "start")
            let body = #"{"options":\#(Self.options)}"#
            #expect(try await server.ask("PUT", "/fleet/v1/units/web.service", body).status == 201)
            #expect(server.control.current.units[try UnitName("web.service")]?.target.state == .inactive)
        }
    }

    @Test func pages() async throws {
        try await LiveServer.run { server in
            for number in 100..<300 {
                let submission = Submission(name: try UnitName("u\(number).service"), text: LiveServer.simple)
                _ = try await server.control.perform(
                    .submit([submission], target: .inactive, replace: .keep),
                    by: "test"
                )
            }
            let first = try await server.ask("GET", "/fleet/v1/units")
            #expect(first.body.contains(#""nextPageToken":"ZAACAA==""#))
            let second = try await server.ask("GET", "/fleet/v1/units?nextPageToken=ZAACAA==")
            #expect(second.body.contains("u200.service") && !second.body.contains("u199.service"))
            #expect(!second.body.contains("nextPageToken"), "an exact multiple of the page has no empty page after it")
        }
    }

    @Test func tokenLimit() async throws {
        var limits = ServerLimits()
        limits.pageItems = 1
        try await LiveServer.run(limits: limits) { server in
            try await server.submit("a.service")
            try await server.submit("b.service")
            let first = try await server.ask("GET", "/fleet/v1/units")
            #expect(first.body.contains(#""nextPageToken":"AQACAA==""#))
            let second = try await server.ask("GET", "/fleet/v1/units?nextPageToken=AQACAA==")
            #expect(second.body.contains("b.service"))
        }
    }

    @Test func changesAreRecordedUnderThePeersName() async throws {
        try await LiveServer.run { server in
            #expect(try await server.ask("DELETE", "/fleet/v1/units/web.service").status == 404)
            let user = try #require(server.control.users.first)
            #expect(user.hasSuffix("(uid \(ProcessUser.id))"), "\(user)")
        }
    }

    @Test(arguments: ["/fleet/v1/units", "/fleet/v1/machines", "/fleet/v2/units", "/fleet/v1/units/a.service"])
    func anUnreadableRegistryIs503(_ path: String) async throws {
        try await LiveServer.run { server in
            server.control.fail("the registry is locked by another fleetd")
            let answer = try await server.ask("GET", path)
            #expect(answer.status == 503)
            #expect(answer.body.contains("locked by another fleetd"))
        }
    }
}
