import FleetModel
import FleetRegistry
import Testing
import UnitFile

@Suite struct RegistryValueTests {
    static let at = Timestamp(milliseconds: 1_795_258_623_120)

    @Test func valuesAreReadableVersionedAndSorted() throws {
        let target = UnitTarget(state: .launched, generation: 3, restart: 0, set: Provenance(at: Self.at, by: "root"))
        let text = String(decoding: RegistryValue.encode(target), as: UTF8.self)
        #expect(
            text == #"{"generation":3,"restart":0,"set":{"at":"2026-11-21T10:57:03.120Z","by":"root"},"#
                + #""state":"launched","v":1}"#
        )
    }

    @Test func everyValueReadsBack() throws {
        let machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        let run = RunID(generation: 4, attempt: 2)
        let failure = UnitFailure(cause: .oomKill, message: "killed", at: Self.at)
        try roundTrip(UnitIntent(file: ContentHash(of: "x"), generation: 1, submitted: .init(at: Self.at, by: "me")))
        try roundTrip(
            Assignment(
                file: ContentHash(of: "x"),
                target: .loaded,
                generation: 4,
                restart: 2,
                attempt: 1,
                atMostOnce: true,
                epoch: Epoch(12),
                reason: "least loaded",
                at: Self.at
            )
        )
        try roundTrip(
            UnitStatus(
                file: nil,
                run: run,
                load: "loaded",
                active: "failed",
                sub: "failed",
                failure: failure,
                at: Self.at
            )
        )
        try roundTrip(
            FailureRecord(
                recent: [FailedRun(machine: machine, run: run, failure: failure)],
                count: 1,
                verdict: .retry(at: Self.at)
            )
        )
        try roundTrip(FailureRecord(recent: [], count: 9, verdict: .givenUp(reason: "no")))
        try roundTrip(MachineLabels(labels: ["a": "b", "hidden": String?.none]))
        try roundTrip(LeaderRecord(machine: machine, since: Self.at))
    }

    @Test func quadletUnitsReadBackAndOthersSayNothingOfIt() throws {
        let (web, network) = (try QuadletName("web.container"), try QuadletName("app.network"))
        let file = ContentHash(of: "x")
        let by = Provenance(at: Self.at, by: "me")
        try roundTrip(UnitIntent(file: file, generation: 1, submitted: by, source: web))
        let plain = String(
            decoding: RegistryValue.encode(UnitIntent(file: file, generation: 1, submitted: by)),
            as: UTF8.self
        )
        #expect(!plain.contains("source"))
        var assignment = Assignment(
            file: file,
            target: .loaded,
            generation: 4,
            restart: 2,
            attempt: 1,
            atMostOnce: false,
            epoch: Epoch(12),
            reason: "least loaded",
            at: Self.at
        )
        #expect(!String(decoding: RegistryValue.encode(assignment), as: UTF8.self).contains("quadlet"))
        assignment.quadlet = QuadletBundle(source: web, companions: [network: file])
        try roundTrip(assignment)
        let text = String(decoding: RegistryValue.encode(assignment), as: UTF8.self)
        #expect(text.contains(#""quadlet":{"companions":{"app.network":"\#(file)"},"source":"web.container"}"#))
        var presence = MachinePresence(
            hostname: "a",
            primaryIP: "",
            metadata: [:],
            version: "",
            systemdVersion: "",
            since: Self.at
        )
        #expect(!String(decoding: RegistryValue.encode(presence), as: UTF8.self).contains("podman"))
        presence.podman = PodmanVersion(5, 4)
        try roundTrip(presence)
    }

    @Test func healthChecksReadBackAndAreReadable() throws {
        var assignment = Assignment(
            file: ContentHash(of: "x"),
            target: .launched,
            generation: 1,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: Epoch(12),
            reason: "least loaded",
            at: Self.at
        )
        #expect(!String(decoding: RegistryValue.encode(assignment), as: UTF8.self).contains("health"))
        let probes: [HealthCheck.Probe] = [
            .command("test -e '/run/x y'"), .http(try HealthTarget(http: ":80/x")),
            .tcp(try HealthTarget(tcp: "[::1]:53")),
        ]
        for probe in probes {
            assignment.health = HealthCheck(probe: probe)
            try roundTrip(assignment)
        }
        let text = String(decoding: RegistryValue.encode(assignment), as: UTF8.self)
        let health =
            #""health":{"intervalMs":30000,"restartsFirst":false,"retries":3,"startPeriodMs":0,"tcp":"[::1]:53","#
            + #""timeoutMs":30000}"#
        #expect(text.contains(health), "\(text)")
        var status = UnitStatus(file: nil, run: nil, load: "", active: "", sub: "", at: Self.at)
        #expect(!String(decoding: RegistryValue.encode(status), as: UTF8.self).contains("health"))
        status.health = HealthStatus(state: .failing, failures: 2, retries: 3, output: "no db", at: Self.at)
        try roundTrip(status)
        // A check of a later version's kind is not guessed at.
        let unknown = Array(text.split(separator: #""tcp":"#).joined(separator: #""smtp":"#).utf8)
        #expect(throws: RegistryValueError.self) { try RegistryValue.decode(Assignment.self, from: unknown) }
    }

    private func roundTrip<Value: Codable & Equatable>(_ value: Value) throws {
        #expect(try RegistryValue.decode(Value.self, from: RegistryValue.encode(value)) == value)
    }

    @Test func aNewerFormIsRefusedWithTheWayOut() throws {
        let newer = Array(#"{"minimumReader":2,"v":2,"writer":"9"}"#.utf8)
        let error = #expect(throws: RegistryValueError.self) {
            try RegistryValue.decode(RegistryFormat.self, from: newer)
        }
        #expect(error?.isNewer == true)
        #expect(error?.message.contains("upgrade fleetd") == true)
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"v":1}"#, #"{"v":1,"state":"sleeping","generation":1}"#, "\u{0}"])
    func whatIsNotTheValueIsAnError(text: String) {
        let error = #expect(throws: RegistryValueError.self) {
            try RegistryValue.decode(UnitTarget.self, from: Array(text.utf8))
        }
        #expect(error?.isNewer == false)
        #expect(error?.message.isEmpty == false)
    }
}
