import FleetAPI
import FleetModel
import Testing
import UnitFile

@Suite struct ReadModelTests {
    @Test(arguments: [1, 2, 255, 256, 65_535]) func tokensComeBack(_ page: Int) throws {
        let items = [UInt8](repeating: 0, count: 100 * page + 1)
        var token = V1.PageToken(limit: 100)
        while token.page < min(page, 300) { token = try V1.PageToken(try #require(token.cut(items).next), limit: 100) }
        #expect(try V1.PageToken(token.description, limit: 100) == token)
    }

    @Test func fleetsOwnTokens() throws {
        #expect(V1.PageToken(limit: 100).description == "ZAABAA==")
        #expect(try V1.PageToken("ZAD__w==", limit: 100).page == 65_535)
        #expect(
            try V1.PageToken("ZAD__w==", limit: 100).cut([UInt8](repeating: 0, count: 6_600_000)).next == nil,
            "the form ends there"
        )
    }

    @Test func pagesPartitionTheList() throws {
        for count in [0, 1, 99, 100, 101, 200, 250] {
            var token: V1.PageToken? = V1.PageToken(limit: 100)
            var seen: [Int] = []
            while let page = token {
                let (items, next) = page.cut(Array(0..<count))
                #expect(!items.isEmpty || count == 0)
                seen += items
                token = try next.map { text throws(APIError) in try V1.PageToken(text, limit: 100) }
            }
            #expect(seen == Array(0..<count))
        }
    }

    @Test(arguments: ["", "A", "ZAABAA=", "ZAABAA===", "ZAABA?==", "ZAABAB==", "ZAABAAAA", "é"])
    func tokensThatWeDidNotGive(_ text: String) {
        #expect(throws: APIError.self) { try V1.PageToken(text, limit: 100) }
    }

    @Test func optionsBecomeAFile() throws {
        let options = [
            V1.UnitOption(section: "Unit", name: "Description", value: "A"),
            V1.UnitOption(section: "Service", name: "ExecStart", value: "/bin/a \\\n  b"),
            V1.UnitOption(section: "Unit", name: "After", value: "b.service"),
            V1.UnitOption(section: "X-Fleet", name: "Conflicts", value: ""),
        ]
        let text = try V1.text(of: options)
        #expect(
            text
                == "[Unit]\nDescription=A\nAfter=b.service\n\n[Service]\nExecStart=/bin/a \\\n  b\n\n[X-Fleet]\nConflicts=\n"
        )
        #expect(V1.options(of: try ParsedUnitFile.parse(text)).count == 4)
    }

    @Test(arguments: [
        V1.UnitOption(section: "", name: "A", value: "1"),
        V1.UnitOption(section: "A\nB", name: "A", value: "1"),
        V1.UnitOption(section: "A]", name: "A", value: "1"),
        V1.UnitOption(section: "S", name: "", value: "1"),
        V1.UnitOption(section: "S", name: "A\nB", value: "1"),
        V1.UnitOption(section: "S", name: "#A", value: "1"),
        V1.UnitOption(section: "S", name: "[A", value: "1"),
        V1.UnitOption(section: "S", name: "A", value: "1\n[Service]"),
        V1.UnitOption(section: "S", name: "A", value: "1\\\n\nUser=root"),
        V1.UnitOption(section: "S", name: "A", value: "1\r"),
        V1.UnitOption(section: "S", name: "A", value: "1\\"),
    ])
    func optionsThatWouldBeSomethingElse(_ option: V1.UnitOption) {
        #expect(throws: APIError.self) { try V1.text(of: [option]) }
    }

    /// fleet's table of current states.
    @Test(arguments: [
        (TargetState.launched, "active", Generation(1), true, TargetState.launched),
        (.launched, "failed", 1, true, .launched),
        (.loaded, "inactive", 1, true, .loaded),
        (.loaded, "active", 0, true, .launched),
        (.launched, "inactive", 0, true, .loaded),
        (.launched, "inactive", 1, false, .inactive),
    ])
    func currentState(
        _ target: TargetState,
        _ active: String,
        _ generation: Generation,
        _ isInstalled: Bool,
        _ expected: TargetState
    ) throws {
        let unit = try UnitName("web.service")
        let file = ContentHash(of: "x")
        var snapshot = Snapshot()
        #expect(snapshot.currentState(of: unit, on: nil) == .inactive)
        snapshot.assignments[unit] = [
            .one: Self.assignment(file, target)
        ]
        #expect(snapshot.currentState(of: unit, on: .one) == .inactive)
        snapshot.statuses[unit] = [
            .one: UnitStatus(
                file: isInstalled ? file : nil,
                run: RunID(generation: generation, attempt: 0),
                load: "loaded",
                active: active,
                sub: "",
                at: .zero
            )
        ]
        #expect(snapshot.currentState(of: unit, on: .one) == expected)
    }

    @Test func lostMachinesAreListed() {
        var snapshot = Snapshot()
        snapshot.unitsByMachine[.two] = []
        snapshot.machines[.one] = Machine(id: .one, labels: ["a": "b"])
        #expect(MachineListing(of: snapshot, now: .zero).machines.map(\.state) == [.lost, .lost])
    }

    private static func assignment(_ file: ContentHash, _ target: TargetState) -> Assignment {
        Assignment(
            file: file,
            target: target,
            generation: 1,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: .zero,
            reason: "",
            at: .zero
        )
    }

    /// A unit that a lost machine still holds is nowhere, and the reason is what people look for; while one of its
    /// machines is there, it is where it should be.
    @Test(arguments: [
        (TargetState.launched, [], true), (.launched, [MachineID.two], true), (.launched, [.one], false),
        (.launched, [.one, .two], false), (.inactive, [.two], false),
    ])
    func theReasonIsSaidOfAUnitThatIsNowhere(
        _ target: TargetState,
        _ assigned: [MachineID],
        _ isNowhere: Bool
    ) throws {
        let name = try UnitName("web.service"), file = ContentHash(of: "x")
        let user = Provenance(at: .zero, by: "somebody (uid 7)")
        let unit = Unit(
            name: name,
            intent: UnitIntent(file: file, generation: 1, submitted: user),
            target: UnitTarget(state: target, generation: 1, set: user),
            options: FleetOptions()
        )
        var snapshot = Snapshot()
        let presence = MachinePresence(
            hostname: "host",
            primaryIP: "",
            metadata: [:],
            version: "",
            systemdVersion: "",
            since: .zero
        )
        snapshot.machines[.one] = Machine(id: .one, presence: presence)
        for machine in assigned {
            snapshot.assignments[name, default: [:]][machine] = Self.assignment(file, target)
        }
        let explainer = FakeExplainer(reasons: [name: "the brake"])
        let row = UnitListing.Row(unit, in: snapshot, explainer: explainer)
        #expect(row.blocked == (isNowhere ? "the brake" : nil))
    }
}
