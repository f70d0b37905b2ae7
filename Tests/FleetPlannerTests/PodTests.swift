import FleetModel
import FleetPlanner
import Testing
import UnitFile

@Suite("Containers of one pod")
struct PodTests {
    private let podman = PodmanVersion(5, 4)

    private func fleet(_ machines: String = "abc") throws -> TestFleet {
        var fleet = TestFleet()
        for digit in machines { fleet.machine(machine(digit), podman: podman) }
        try fleet.submit("app.pod", target: .inactive)
        return fleet
    }

    private func submit(
        _ name: String,
        to fleet: inout TestFleet,
        volumes: [VolumeName] = [],
        _ options: FleetOptions = FleetOptions()
    ) throws {
        let source = try QuadletName(name + ".container")
        var facts = QuadletFacts(
            references: [try QuadletName("app.pod")],
            podman: PodmanNeed(PodmanVersion(5, 0), cause: "its test")
        )
        facts.pod = try QuadletName("app.pod")
        fleet.submit(source.standardService, from: source, quadlet: facts, volumes: volumes, options)
    }

    /// Plans and applies until nothing is left to do; every plan is audited.
    private func settle(_ fleet: inout TestFleet) -> [String] {
        var told: [String] = []
        while true {
            let plan = fleet.plan()
            #expect(PlanAudit.check(plan, fleet.snapshot, now: fleet.now, scope: .everything) == [])
            guard !plan.decisions.isEmpty, told.count < 20 else { return told }
            told += plan.summary
            fleet.apply(plan)
        }
    }

    private func arrive(_ names: [String], in fleet: inout TestFleet) {
        for name in names.map({ unit($0 + ".service") }) {
            for place in (fleet.snapshot.assignments[name] ?? [:]).keys { fleet.arrive(name, on: place) }
        }
    }

    @Test("They come to one machine, whichever comes first, and the reason is told")
    func together() throws {
        var fleet = try fleet()
        try submit("web", to: &fleet)
        #expect(settle(&fleet) == ["web+a"])
        // Its name sorts first, and it has no machine yet.
        try submit("db", to: &fleet)
        try submit("cache", to: &fleet)
        let plan = fleet.plan()
        #expect(plan.summary == ["cache+a", "db+a"])
        #expect("\(plan)".contains("with web.service"), "\(plan)")
        fleet.apply(plan)
        let stored = try #require(fleet.snapshot.units[unit("web.service")])
        let reasons = Eligibility.explain(stored, in: fleet.snapshot).mapValues(\.description)
        #expect(
            reasons[machine("b")] == "it is in one pod (app.pod) with cache.service, which is on aaaaaaaa",
            "\(reasons)"
        )
        #expect(settle(&fleet) == [])
    }

    @Test("They go together when their machine is lost, or drained, or a user moves the first")
    func leaving() throws {
        var fleet = try fleet()
        for name in ["db", "web"] { try submit(name, to: &fleet) }
        #expect(settle(&fleet) == ["db+a", "web+a"])
        arrive(["db", "web"], in: &fleet)
        fleet.drain(machine("a"))
        #expect(settle(&fleet) == ["db+b"])
        arrive(["db"], in: &fleet)
        #expect(settle(&fleet) == ["db-a", "web:a>b"])
        arrive(["db", "web"], in: &fleet)
        fleet.lose(machine("b"))
        #expect(settle(&fleet) == ["db:b>c", "web:b>c"])
        fleet.order(machine("a"), MachineOrders())
        arrive(["db", "web"], in: &fleet)
        fleet.wish(unit("web.service"), on: machine("a"))
        let plan = fleet.plan()
        #expect("\(plan)".contains("it is in one pod (app.pod) with db.service, which is on cccccccc"), "\(plan)")
        fleet.apply(plan)
        fleet.wish(unit("db.service"), on: machine("a"))
        #expect(settle(&fleet) == ["db+a"])
        arrive(["db"], in: &fleet)
        #expect(settle(&fleet).contains("web:c>a"))
    }

    @Test("One that fails is tried again beside those that are well; all that fail try another machine")
    func failing() throws {
        var fleet = try fleet()
        for name in ["db", "web"] { try submit(name, to: &fleet) }
        _ = settle(&fleet)
        arrive(["db", "web"], in: &fleet)
        for name in ["db", "web"] {
            fleet.fail(unit(name + ".service"), on: machine("a"))
            #expect(fleet.plan().summary.contains("\(name)=a#1"), "\(fleet.plan())")
            _ = settle(&fleet)
            arrive([name], in: &fleet)
            #expect(settle(&fleet) == [])
        }
        fleet.now = fleet.now.advanced(by: .seconds(4000))
        for name in ["db", "web"] { fleet.fail(unit(name + ".service"), on: machine("a")) }
        _ = settle(&fleet)
        fleet.now = fleet.now.advanced(by: .seconds(4000))
        _ = settle(&fleet)
        let places = ["db", "web"].map { fleet.snapshot.assignments[unit($0 + ".service")]?.keys.sorted() }
        #expect(places[0] == places[1] && places[0] != [machine("a")], "\(places)")
    }

    @Test("One whose data are somewhere has the others come")
    func data() throws {
        var fleet = try fleet()
        try submit("db", to: &fleet, volumes: [volume("v")], options { $0.machineID = "bbbbbbbb" })
        #expect(settle(&fleet).contains("db+b"))
        fleet.target(unit("db.service"), .inactive)
        _ = settle(&fleet)
        try submit("app", to: &fleet)
        #expect(settle(&fleet) == ["app+a"])
        try submit("db", to: &fleet, volumes: [volume("v")])
        _ = settle(&fleet)
        let places = ["db", "app"].map { fleet.snapshot.assignments[unit($0 + ".service")]?.keys.sorted() }
        #expect(places == [[machine("b")], [machine("b")]])
    }

    @Test("Global containers have a pod on every machine")
    func global() throws {
        var fleet = try fleet("ab")
        try submit("all", to: &fleet, options { $0.isGlobal = true })
        try submit("web", to: &fleet)
        #expect(settle(&fleet).sorted() == ["all+a", "all+b", "web+a"])
    }
}
