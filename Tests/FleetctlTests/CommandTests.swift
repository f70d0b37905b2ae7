import FleetAPI
import FleetModel
import FoundationEssentials
import NIOHTTP1
import Testing
import UnitFile

@testable import fleetctl

/// Whole commands against a fleetd that follows a script.
@Suite struct CommandTests {
    @Test(
        arguments: [
            ([], 0, "USAGE: fleetctl"),
            (["--help"], 0, "USAGE: fleetctl"),
            (["help"], 0, "list-machines"),
            (["help", "start"], 0, "USAGE: fleetctl start"),
            (["start", "--help"], 0, "USAGE: fleetctl start"),
            (["version"], 0, "fleetctl version \(FleetVersion.text)\n"),
            (["--version"], 0, "fleetctl version \(FleetVersion.text)\n"),
            (["version", "--json"], 0, "{\n  \"fleetctl\" : \"\(FleetVersion.text)\"\n}\n"),
        ] as [([String], Int32, String)]
    )
    func withoutFleetd(_ arguments: [String], _ status: Int32, _ output: String) async {
        let result = await CommandResult.of(arguments)
        #expect(result.status == status)
        #expect(result.output.contains(output))
        #expect(result.errors == "")
        #expect(!result.output.contains("fd-forward") && !result.output.contains("--tunnel"))
    }

    @Test(arguments: [
        ["bogus"], ["st"], ["start", "--bogus", "web"], ["start"], ["status"], ["cat"], ["journal"],
        ["journal", "a", "b"], ["journal", "web", "--lines", "many"], ["journal", "web", "--lines=-1"],
        ["journal", "web", "--output", "xml"], ["list-units", "extra"], ["list-units", "--fields", "x"],
        ["list-units", "--fields="], ["start", "--block-attempts", "x", "web"],
        ["start", "--block-attempts=-1", "web"],
        ["cat", "a b"], ["ssh", "web", "ls", "-la"], ["verify"], ["fd-forward"], ["submit", "--no-block", "web"],
        ["registry"], ["registry", "bogus"], ["registry", "export", "file"], ["registry", "import"],
        ["registry", "import", "--empty", "file"], ["registry", "export", "--empty"],
        ["help", "bogus"], ["--bogus"], ["--driver"], ["list-units", "--driver", "etcd"],
    ])
    func usageErrors(_ arguments: [String]) async {
        let result = await CommandResult.of(arguments, environment: ["FLEETCTL_ENDPOINT": "unix:///nonexistent/sock"])
        #expect(result.status == 2)
        #expect(result.errors.hasPrefix("fleetctl: "), "\(result.errors)")
        #expect(result.output == "")
    }

    @Test func listings() async throws {
        let listing = UnitListing(units: [try Fixture.running()])
        let table = try await FakeFleetd.run(["list-units"]) { _ in .json(listing) }
        #expect(
            table.output == "UNIT\t\tMACHINE\t\t\tACTIVE\tSUB\nweb.service\t11111111.../10.0.0.1\tactive\trunning\n"
        )
        #expect(table.status == 0)
        #expect(table.requests == [FakeRequest(method: "GET", path: "/fleet/v2/units", body: "")])
        let json = try await FakeFleetd.run(["list-units", "--json"]) { _ in .json(listing) }
        #expect(try JSONDecoder().decode(UnitListing.self, from: Data(json.output.utf8)) == listing)
        let files = try await FakeFleetd.run(["list-unit-f", "-l", "--no-legend", "--fields=target"]) { _ in
            .json(listing)
        }
        #expect(files.output == String(repeating: "1", count: 32) + "/10.0.0.1\n")
        let machines = try await FakeFleetd.run(["list-m"]) { _ in .json(MachineListing(machines: [])) }
        #expect(machines.output == "MACHINE\tIP\tMETADATA\tSTATE\tAGE\n")
        #expect(machines.requests.map(\.path) == ["/fleet/v2/machines"])
    }

    @Test func aHundredKilobytesInOneAnswer() async throws {
        let units = try (0..<500).map { try Fixture.running("web@\($0).service") }
        let result = try await FakeFleetd.run(["list-units", "--no-legend"]) { _ in .json(UnitListing(units: units)) }
        #expect(result.output.split(separator: "\n").count == 500)
    }

    @Test func startSendsTheFileAndShowsTheWay() async throws {
        try await withFolder { folder in
            try write(UnitArgumentTests.file, to: folder + "/web.service")
            let progress = [
                try ChangeReportTests.progress(.stored),
                try ChangeReportTests.progress(.waiting, message: "the machine is reloading"),
                try ChangeReportTests.progress(.arrived, state: .launched, onMachine: true),
                ChangeProgress(kind: .done),
            ]
            let result = try await FakeFleetd.run(["start", "--replace", folder + "/web"]) { _ in .lines(progress) }
            #expect(result.output == "Unit web.service launched on 11111111.../10.0.0.1\n")
            #expect(result.errors == "Unit web.service is waiting: the machine is reloading\n")
            #expect(result.status == 0)
            let request = try #require(result.requests.first)
            #expect(request.method == "POST" && request.path == "/fleet/v2/change")
            let sent = try JSONDecoder().decode(ChangeRequest.self, from: Data(request.body.utf8))
            let unit = UnitReference(
                name: try UnitName("web.service"),
                text: UnitArgumentTests.file,
                path: folder + "/web.service"
            )
            #expect(sent == ChangeRequest(action: .start, units: [unit], replace: true, wait: true))
            #expect(result.interrupts.count == 2)
        }
    }

    @Test(arguments: [
        ("submit", ChangeRequest.Action.submit), ("load", .load), ("start", .start), ("stop", .stop),
        ("restart", .restart), ("unload", .unload), ("destroy", .destroy), ("reset-failed", .resetFailed),
    ])
    func actions(_ command: String, _ action: ChangeRequest.Action) async throws {
        let result = try await FakeFleetd.run([command, "absent-file-web"]) { _ in
            .lines([ChangeProgress(kind: .done)])
        }
        #expect(result.status == 0)
        let sent = try JSONDecoder().decode(ChangeRequest.self, from: Data(result.requests[0].body.utf8))
        #expect(sent.action == action && sent.wait && sent.units.map(\.name.description) == ["absent-file-web.service"])
    }

    @Test func noBlock() async throws {
        let stored = try ChangeReportTests.progress(.stored)
        let result = try await FakeFleetd.run(["stop", "--no-block", "web"]) { _ in
            .lines([stored, ChangeProgress(kind: .done)])
        }
        #expect(result.output == "Triggered unit web.service stop\n")
        let sent = try JSONDecoder().decode(ChangeRequest.self, from: Data(result.requests[0].body.utf8))
        #expect(!sent.wait)
    }

    @Test func blockAttemptsEndTheWaiting() async throws {
        let stored = try ChangeReportTests.progress(.stored)
        let result = try await FakeFleetd.run(["start", "--block-attempts", "1", "web"]) { _ in
            .lines([stored], end: .silence)
        }
        #expect(result.status == 1)
        #expect(result.errors == "timed out waiting for unit web.service to report state launched\n")
    }

    @Test func brokenAnswers() async throws {
        let stored = try ChangeReportTests.progress(.stored)
        let cut = try await FakeFleetd.run(["start", "web"]) { _ in .lines([stored], end: .cut) }
        #expect(cut.status == 1)
        #expect(cut.errors.contains("ends too early") && cut.errors.hasSuffix("is stored and goes on.\n"))
        let short = try await FakeFleetd.run(["start", "web"]) { _ in .lines([ChangeProgress]()) }
        #expect(short.status == 1 && short.errors.contains("may or may not be stored"))
        let noise = try await FakeFleetd.run(["list-units"]) { _ in FakeAnswer(chunks: ["<html>"]) }
        #expect(noise.status == 1 && noise.errors.contains("is not understood"))
        let odd = try await FakeFleetd.run(["list-units"]) { _ in FakeAnswer(status: .badGateway, chunks: ["oops"]) }
        #expect(odd.status == 1 && odd.errors == "fleetctl: fleetd answered 502 Bad Gateway: oops\n")
        let mute = try await FakeFleetd.run(["list-units", "--request-timeout=0.2"]) { _ in FakeAnswer(isMute: true) }
        #expect(mute.status == 1 && mute.errors.contains("did not answer"))
        let half = try await FakeFleetd.run(["list-units", "--request-timeout=0.2"]) { _ in
            FakeAnswer(chunks: ["{"], end: .silence)
        }
        #expect(half.status == 1 && half.errors.contains("did not answer"))
    }

    @Test func refusalsOfTheAPI() async throws {
        for command in ["cat", "why", "journal", "start"] {
            let result = try await FakeFleetd.run([command, "web"]) { _ in .refusal(404, "unit does not exist") }
            #expect(result.status == 1)
            #expect(result.errors == "fleetctl: unit does not exist\n")
        }
    }

    @Test func noSocket() async throws {
        let absent = await CommandResult.of(["list-units", "--endpoint", "unix:///nonexistent/fleet.sock"])
        #expect(absent.status == 1)
        #expect(
            absent.errors.contains("/nonexistent/fleet.sock")
                && absent.errors.contains("systemctl status fleetd.socket")
        )
        let long = "unix:///" + String(repeating: "x", count: 200)
        let tooLong = await CommandResult.of(["list-units", "--endpoint", long])
        #expect(tooLong.status == 1 && tooLong.errors.contains("too long"))
        try await withFolder { folder in
            try write("", to: folder + "/plain")
            let dead = await CommandResult.of(["list-units", "--endpoint", "unix://" + folder + "/plain"])
            #expect(dead.errors.contains("nothing listens there"))
        }
    }

    @Test func catIsByteForByte() async throws {
        var detail = Fixture.detail(try Fixture.running())
        detail.text = "# comment\r\n[Service]\nExecStart=x"
        let result = try await FakeFleetd.run(["cat", "web"]) { [detail] _ in .json(detail) }
        #expect(result.output == "# comment\r\n[Service]\nExecStart=x")
        #expect(result.requests.map(\.path) == ["/fleet/v2/units/web.service"])
    }

    @Test func statusOfSeveralUnits() async throws {
        let running = Fixture.detail(try Fixture.running())
        let result = try await FakeFleetd.run(["status", "web", "gone"]) { request in
            if request.path.contains("gone") { return .refusal(404, "unit does not exist") }
            return request.path.contains("journal") ? .lines([JournalLine]()) : .json(running)
        }
        #expect(result.status == 4)
        #expect(result.output.hasPrefix("● web.service - Web server\n"))
        #expect(result.errors == "Unit gone.service does not exist.\n")
        let json = try await FakeFleetd.run(["status", "--json", "web"]) { _ in .json(running) }
        #expect(json.status == 0)
        #expect(try JSONDecoder().decode([UnitDetail].self, from: Data(json.output.utf8)) == [running])
    }

    @Test func journal() async throws {
        let line = JournalLine(at: Fixture.now, hostname: "h", identifier: "i", pid: 1, priority: 6, message: "m")
        let short = try await FakeFleetd.run(["journal", "web", "--lines", "3", "-f"]) { _ in .lines([line, line]) }
        #expect(short.output == "Nov 21 11:00:00 h i[1]: m\nNov 21 11:00:00 h i[1]: m\n")
        #expect(short.requests.map(\.path) == ["/fleet/v2/units/web.service/journal?lines=3&follow=1"])
        let cat = try await FakeFleetd.run(["journal", "web", "--output=cat"]) { _ in .lines([line]) }
        #expect(cat.output == "m\n")
        #expect(cat.requests.map(\.path) == ["/fleet/v2/units/web.service/journal?lines=10"])
    }

    @Test func events() async throws {
        let machine = try Fixture.machine("1", ip: "10.0.0.1", host: "web1")
        let failed = EventLine(
            at: Fixture.now,
            kind: "failed",
            unit: try UnitName("web.service"),
            machine: machine,
            message: "exited\u{7}",
            journal: ["oops"]
        )
        let lost = EventLine(at: Fixture.now, kind: "lost", machine: machine, message: "is lost")
        let braked = EventLine(at: Fixture.now, kind: "braked", message: "the brake")
        let all = try await FakeFleetd.run(["events"]) { _ in .lines([failed, lost, braked]) }
        #expect(all.requests.map(\.path) == ["/fleet/v2/events?lines=20"])
        #expect(
            all.output == """
                Nov 21 11:00:00 web.service: exited? [on web1 (11111111.../10.0.0.1)]
                Nov 21 11:00:00 machine web1 (11111111.../10.0.0.1): is lost
                Nov 21 11:00:00 fleet: the brake

                """
        )
        let some = try await FakeFleetd.run(["events", "-f", "-n", "0", "web", "db@*", "--json"]) { _ in
            .lines([failed])
        }
        #expect(some.requests.map(\.path) == ["/fleet/v2/events?lines=0&follow=1&unit=web.service&unit=db@%2A"])
        #expect(try JSONDecoder().decode(EventLine.self, from: Data(some.output.utf8)) == failed)
        for wrong in [["events", "["], ["events", "-n", "1001"], ["events", "-n", "-1"]] {
            #expect(try await FakeFleetd.run(wrong) { _ in .lines([failed]) }.requests.isEmpty)
        }
    }

    @Test func versionOfFleetd() async throws {
        let result = try await FakeFleetd.run(["version", "--daemon"]) { _ in .json(VersionReport(version: "9.9")) }
        #expect(result.output == "fleetctl version \(FleetVersion.text)\nfleetd version 9.9\n")
    }

    @Test func signWarns() async throws {
        let result = try await FakeFleetd.run(["submit", "--sign", "absent-file-web"]) { _ in
            .lines([ChangeProgress(kind: .done)])
        }
        #expect(result.status == 0 && result.errors.contains("--sign has no effect"))
    }
}
