import FleetModel
import FleetPlanner
import Testing
import UnitFile

/// One constraint at a time: who may be on machine `a` of a small fleet, and if not, why in words.
@Suite("What a unit asks of systemd")
struct SystemdNeedTests {
    @Test("A unit goes where systemd understands it, and stays where it is")
    func systemd() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"), systemd: "252.39-1~deb12u2")
        fleet.machine(machine("b"), systemd: "257.13-1~deb13u1")
        fleet.submit(unit("web.service"))
        fleet.need(SystemdNeed(254, cause: "RestartSteps= in [Service]"), by: unit("web.service"))
        #expect(fleet.plan().summary == ["web+b"])
        let stored = try #require(fleet.snapshot.units[unit("web.service")])
        let reasons = Eligibility.explain(stored, in: fleet.snapshot).mapValues(\.description)
        #expect(
            reasons == [machine("a"): "systemd 254 is needed (RestartSteps= in [Service]) and the machine has 252"]
        )
        fleet.apply(fleet.plan())
        // The machine comes back with an older one, which is no reason to stop anything.
        fleet.machine(machine("b"), systemd: "252")
        #expect(fleet.plan().decisions.isEmpty)
    }

    @Test("Where systemd's version is not known, it is no reason")
    func unknown() {
        var fleet = TestFleet()
        fleet.machine(machine("a"), systemd: "")
        fleet.submit(unit("web.service"))
        fleet.need(SystemdNeed(254, cause: "RestartSteps= in [Service]"), by: unit("web.service"))
        #expect(fleet.plan().summary == ["web+a"])
    }
}

@Suite struct EligibilityTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The unit that is asked about.
        var options: FleetOptions
        /// What `db.service`, which is on `a`, declares.
        var neighbour = FleetOptions()
        var metadata: [String: String] = [:]
        var expected: String?

        init(
            _ name: String,
            _ change: (inout FleetOptions) -> Void,
            neighbour: (inout FleetOptions) -> Void = { _ in },
            metadata: [String: String] = [:],
            _ expected: String?
        ) {
            testDescription = name
            options = FleetPlannerTests.options(change)
            self.neighbour = FleetPlannerTests.options(neighbour)
            self.metadata = metadata
            self.expected = expected
        }
    }

    static let cases: [Case] = [
        Case("nothing asked", { _ in }, nil),
        Case("MachineID, full", { $0.machineID = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, nil),
        Case("MachineID, short", { $0.machineID = "aaaaaaaa" }, nil),
        Case("MachineID, seven digits", { $0.machineID = "aaaaaaa" }, "MachineID=aaaaaaa names another machine"),
        Case("MachineID, another", { $0.machineID = "bbbbbbbb" }, "MachineID=bbbbbbbb names another machine"),
        Case("MachineID=%m", { $0.machineID = MachineText(parts: [.machineID]) }, nil),
        Case("metadata, equal", { $0.metadata = ["k": ["v"]] }, metadata: ["k": "v"], nil),
        Case("metadata, one of", { $0.metadata = ["k": ["u", "v"]] }, metadata: ["k": "v"], nil),
        Case(
            "metadata, none of",
            { $0.metadata = ["k": ["w", "u"]] },
            metadata: ["k": "v"],
            "MachineMetadata=k=u or w is asked for and the machine has k=v"
        ),
        Case(
            "metadata, no such key",
            { $0.metadata = ["k": ["v"]] },
            metadata: ["K": "v"],
            "MachineMetadata=k=v is asked for and the machine has no k"
        ),
        Case(
            "metadata, all keys",
            { $0.metadata = ["k": ["v"], "z": ["1"]] },
            metadata: ["k": "v", "z": "2"],
            "MachineMetadata=z=1 is asked for and the machine has z=2"
        ),
        Case(
            "metadata with %H",
            { $0.metadata = ["k": [MachineText(parts: [.hostname])]] },
            metadata: ["k": "aaaaaaaa"],
            nil
        ),
        Case("MachineOf, here", { $0.machineOf = [unit("db.service")] }, nil),
        Case("MachineOf, global here", { $0.machineOf = [unit("agent.service")] }, nil),
        Case(
            "MachineOf, elsewhere",
            { $0.machineOf = [unit("far.service")] },
            "MachineOf=far.service is asked for and far.service is on bbbbbbbb"
        ),
        Case(
            "MachineOf, one of two elsewhere",
            { $0.machineOf = [unit("db.service"), unit("far.service")] },
            "MachineOf=far.service is asked for and far.service is on bbbbbbbb"
        ),
        Case(
            "MachineOf, on no machine",
            { $0.machineOf = [unit("off.service")] },
            "MachineOf=off.service is asked for and off.service is on no machine"
        ),
        Case(
            "MachineOf, unknown",
            { $0.machineOf = [unit("nobody.service")] },
            "MachineOf=nobody.service is asked for and there is no such unit"
        ),
        Case(
            "MachineOf, itself",
            { $0.machineOf = [unit("web.service")] },
            "MachineOf= goes in a circle: web.service waits for web.service"
        ),
        Case(
            "Conflicts, exact",
            { $0.conflicts = [UnitPattern("db.service")] },
            "Conflicts=db.service and db.service is there"
        ),
        Case(
            "Conflicts, pattern",
            { $0.conflicts = [UnitPattern("x*"), UnitPattern("d?.service")] },
            "Conflicts=d?.service and db.service is there"
        ),
        Case(
            "Conflicts, a global unit",
            { $0.conflicts = [UnitPattern("*")] },
            "Conflicts=* and agent.service is there"
        ),
        Case("Conflicts, elsewhere", { $0.conflicts = [UnitPattern("far.service")] }, nil),
        Case("Conflicts, an inactive unit", { $0.conflicts = [UnitPattern("off.service")] }, nil),
        Case("Conflicts, itself", { $0.conflicts = [UnitPattern("web.service")] }, nil),
        Case("Conflicts, malformed", { $0.conflicts = [UnitPattern("[")] }, nil),
        Case(
            "Conflicts of the other",
            { _ in },
            neighbour: { $0.conflicts = [UnitPattern("w*")] },
            "db.service is there and has Conflicts=w*"
        ),
        Case("Replaces, the other", { $0.replaces = [UnitPattern("db.service")] }, nil),
        Case(
            "Replaces of the other",
            { _ in },
            neighbour: { $0.replaces = [UnitPattern("web*")] },
            "db.service is there and has Replaces=web*"
        ),
        Case(
            "Replaces, mutual",
            { $0.replaces = [UnitPattern("db.service")] },
            neighbour: { $0.replaces = [UnitPattern("web.service")] },
            nil
        ),
        Case(
            "Replaces of the other, which is MachineOf= this",
            { _ in },
            neighbour: {
                $0.replaces = [UnitPattern("web.service")]
                $0.machineOf = [unit("web.service")]
            },
            nil
        ),
    ]

    @Test(arguments: cases) func explains(example: Case) {
        var fleet = TestFleet()
        let (a, b) = (machine("a"), machine("b"))
        fleet.machine(a, metadata: example.metadata)
        fleet.machine(b)
        for (name, id) in [("db.service", a), ("far.service", b), ("agent.service", a), ("agent.service", b)] {
            fleet.submit(unit(name), name == "db.service" ? example.neighbour : FleetOptions())
            fleet.force(unit(name), on: id)
        }
        fleet.submit(unit("off.service"), target: .inactive)
        fleet.submit(unit("web.service"), example.options)
        guard let asked = fleet.snapshot.units[unit("web.service")] else { return }
        #expect(Eligibility.explain(asked, in: fleet.snapshot)[a]?.description == example.expected)
    }

    @Test func aMachineThatIsNotPresentOrRefuses() {
        var fleet = TestFleet()
        let (a, b) = (machine("a"), machine("b"))
        for id in [a, b] { fleet.machine(id) }
        fleet.label(b, ["disk": "ssd"])
        fleet.lose(b)
        fleet.submit(unit("web.service"))
        fleet.refuse(unit("web.service"), on: a, "taken")
        guard let asked = fleet.snapshot.units[unit("web.service")] else { return }
        let reasons = Eligibility.explain(asked, in: fleet.snapshot)
        #expect(reasons == [a: .refused("taken"), b: .notPresent])
        #expect(
            reasons.values.map(\.description).sorted() == [
                "the machine is not present", "the machine refuses it: taken",
            ]
        )
    }

    /// A unit that is where it may not be is told so too, and of two that conflict there just one.
    @Test func incumbents() {
        var fleet = TestFleet()
        let a = machine("a")
        fleet.machine(a)
        fleet.submit(unit("one.service"), options { $0.conflicts = [UnitPattern("two.service")] })
        fleet.submit(unit("two.service"))
        for name in ["one.service", "two.service"] { fleet.force(unit(name), on: a) }
        let reasons = ["one.service", "two.service"].map { name in
            fleet.snapshot.units[unit(name)].flatMap { Eligibility.explain($0, in: fleet.snapshot)[a]?.description }
        }
        #expect(reasons == [nil, "one.service is there and has Conflicts=two.service"])
    }
}
