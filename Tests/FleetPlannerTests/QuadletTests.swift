import FleetModel
import FleetPlanner
import Testing
import UnitFile

@Suite("Units from Quadlet files")
struct QuadletTests {
    private func fleet(_ podman: [Character: PodmanVersion?]) -> TestFleet {
        var fleet = TestFleet()
        for (digit, version) in podman { fleet.machine(machine(digit), podman: version) }
        return fleet
    }

    private func carried(_ fleet: TestFleet, _ name: String, on digit: Character = "a") -> QuadletBundle? {
        fleet.snapshot.assignments[unit(name)]?[machine(digit)]?.quadlet
    }

    @Test("A unit goes where a podman understands it, and the reason elsewhere is told")
    func podman() throws {
        var fleet = fleet(["a": nil, "b": PodmanVersion(4, 9), "c": PodmanVersion(5, 4)])
        try fleet.submit("web.container", podman: PodmanVersion(5, 0))
        #expect(fleet.plan().summary == ["web+c"])
        let stored = try #require(fleet.snapshot.units[unit("web.service")])
        let reasons = Eligibility.explain(stored, in: fleet.snapshot).mapValues(\.description)
        #expect(reasons[machine("a")] == "podman 5.0 is needed (its test) and the machine has none with Quadlet")
        #expect(reasons[machine("b")] == "podman 5.0 is needed (its test) and the machine has 4.9")
        #expect(reasons[machine("c")] == nil)
    }

    private func facts(_ image: String) throws -> QuadletFacts {
        QuadletFacts(of: .container, try ParsedUnitFile.parse("[Container]\nImage=\(image)\n"))
    }

    private func submit(_ names: [String], _ image: String, to fleet: inout TestFleet) throws {
        for name in names {
            let source = try QuadletName(name)
            fleet.submit(source.standardService, from: source, quadlet: try facts(image))
        }
    }

    @Test("A machine that has the image is preferred, and no crowd is drawn to it")
    func images() throws {
        var fleet = fleet(["a": PodmanVersion(5, 4), "b": PodmanVersion(5, 4)])
        fleet.image("docker.io/library/web:1", on: machine("b"))
        try submit(["one.container"], "docker.io/web:1", to: &fleet)
        let plan = fleet.plan()
        #expect(plan.summary == ["one+b"])
        #expect("\(plan)".contains("least loaded of the eligible machines (0 units, and its image is there)"))
        fleet.apply(plan)
        try submit(["two.container"], "docker.io/web:1", to: &fleet)
        #expect(fleet.plan().summary == ["two+b"])
        fleet.apply(fleet.plan())
        // Two units weigh as much as a pull, and ids decide then.
        try submit(["three.container"], "docker.io/web:1", to: &fleet)
        #expect(fleet.plan().summary == ["three+a"])
        // Another tag is another image.
        try submit(["three.container"], "docker.io/web:2", to: &fleet)
        #expect(fleet.plan().summary == ["three+a"])
    }

    @Test("An assignment carries what is to be pulled, and the digest that the unit is pinned to")
    func pulls() throws {
        var fleet = fleet(["a": PodmanVersion(5, 4)])
        try submit(["one.container"], "docker.io/web:1", to: &fleet)
        fleet.apply(fleet.plan())
        func assignment() -> Assignment? { fleet.snapshot.assignments[unit("one.service")]?[machine("a")] }
        #expect(assignment()?.image == ImagePull(name: "docker.io/web:1"))
        #expect(assignment()?.quadlet?.image == nil)
        let pinned = "docker.io/library/web@sha256:" + String(repeating: "ab", count: 32)
        fleet.pin(unit("one.service"), to: pinned)
        let plan = fleet.plan()
        #expect(plan.summary == ["one=a#0"])
        #expect("\(plan)".contains("its image is pinned to \(pinned) now"))
        fleet.apply(plan)
        #expect(assignment()?.image?.name == pinned)
        #expect(assignment()?.quadlet?.image == pinned)
    }

    @Test("What a companion asks of podman counts for its users, over several steps")
    func companionsPodman() throws {
        var fleet = fleet(["a": PodmanVersion(4, 9), "b": PodmanVersion(5, 4)])
        try fleet.submit("app.build", podman: PodmanVersion(5, 2), target: .inactive)
        try fleet.submit("data.volume", needs: ["app.build"], target: .inactive)
        try fleet.submit("web.container", needs: ["data.volume"])
        #expect(fleet.plan().summary == ["web+b"])
    }

    @Test("An assignment carries all files that are needed, with their texts")
    func companions() throws {
        var fleet = fleet(["a": PodmanVersion(5, 4)])
        try fleet.submit("app.network", target: .inactive)
        try fleet.submit("data.volume", needs: ["app.network"], target: .inactive)
        try fleet.submit("web.container", needs: ["data.volume"])
        fleet.apply(fleet.plan())
        let bundle = try #require(carried(fleet, "web.service"))
        #expect(bundle.source == (try QuadletName("web.container")))
        #expect(bundle.companions.keys.sorted().map(\.description) == ["app.network", "data.volume"])
        for (name, hash) in bundle.companions {
            #expect(fleet.snapshot.units[name.standardService]?.intent.file == hash)
        }
    }

    @Test("A new text of a companion is passed on to its users, and said")
    func changedCompanion() throws {
        var fleet = fleet(["a": PodmanVersion(5, 4)])
        try fleet.submit("app.network", target: .inactive)
        try fleet.submit("data.volume", needs: ["app.network"], target: .inactive)
        try fleet.submit("web.container", needs: ["data.volume"])
        fleet.apply(fleet.plan())
        let before = try #require(fleet.snapshot.assignments[unit("web.service")]?[machine("a")])
        try fleet.submit("app.network", text: "new", target: .inactive)
        let plan = fleet.plan()
        #expect(plan.summary == ["web=a#0"])
        #expect(plan.decisions.first?.reason.description == "app.network was replaced")
        fleet.apply(plan)
        let after = try #require(fleet.snapshot.assignments[unit("web.service")]?[machine("a")])
        #expect(after.file == before.file)
        #expect(after.quadlet != before.quadlet)
    }

    @Test("A missing companion keeps newcomers off and what runs where it is")
    func missing() throws {
        var fleet = fleet(["a": PodmanVersion(5, 4)])
        try fleet.submit("web.container", needs: ["app.network"])
        #expect(fleet.plan().summary.isEmpty)
        let stored = try #require(fleet.snapshot.units[unit("web.service")])
        let reason = Eligibility.explain(stored, in: fleet.snapshot)[machine("a")]?.description
        #expect(reason == "its Quadlet file needs app.network, not in the registry: submit that")
        try fleet.submit("app.network", target: .inactive)
        fleet.apply(fleet.plan())
        let before = try #require(carried(fleet, "web.service"))
        fleet.destroy(unit("app-network.service"))
        #expect(fleet.plan().decisions.isEmpty)
        #expect(carried(fleet, "web.service") == before)
    }

    @Test("A machine that stops telling of podman keeps what it has; one with an older podman does not")
    func incumbent() throws {
        var fleet = fleet(["a": PodmanVersion(5, 4)])
        try fleet.submit("web.container", podman: PodmanVersion(5, 0))
        fleet.apply(fleet.plan())
        fleet.machine(machine("a"), podman: nil)
        #expect(fleet.plan().decisions.isEmpty)
        fleet.machine(machine("a"), podman: PodmanVersion(4, 9))
        fleet.machine(machine("b"), podman: PodmanVersion(5, 4))
        #expect(fleet.plan().summary == ["web:a>b"])
    }

    @Test("What a companion asks of systemd counts for its users")
    func companionsSystemd() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"), podman: PodmanVersion(5, 4), systemd: "252")
        fleet.machine(machine("b"), podman: PodmanVersion(5, 4), systemd: "257")
        try fleet.submit("app.network", target: .inactive)
        fleet.need(SystemdNeed(254, cause: "RestartSteps= in [Service]"), by: unit("app-network.service"))
        try fleet.submit("web.container", needs: ["app.network"])
        #expect(fleet.plan().summary == ["web+b"])
        let stored = try #require(fleet.snapshot.units[unit("web.service")])
        #expect(
            Eligibility.explain(stored, in: fleet.snapshot)[machine("a")]?.description
                == "systemd 254 is needed (RestartSteps= in [Service]) and the machine has 252"
        )
    }

    @Test("What runs goes on under an older systemd until its text is another one")
    func oldSystemd() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"), podman: PodmanVersion(5, 4), systemd: "252")
        try fleet.submit("app.network", target: .inactive)
        try fleet.submit("web.container", needs: ["app.network"])
        fleet.apply(fleet.plan())
        fleet.machine(machine("b"), podman: PodmanVersion(5, 4), systemd: "257")
        // Found out about the text that it runs from, by a newer fleetd say.
        let need = SystemdNeed(254, cause: "RestartSteps= in [Service]")
        fleet.need(need, by: unit("web.service"))
        #expect(fleet.plan().decisions.isEmpty)
        try fleet.submit("app.network", text: "new", target: .inactive)
        #expect(fleet.plan().summary == ["web:a>b"])
        #expect(PlanAudit.check(fleet.plan(), fleet.snapshot, now: fleet.now, scope: .everything).isEmpty)
        try fleet.submit("app.network", target: .inactive)
        try fleet.submit("web.container", needs: ["app.network"], text: "new")
        fleet.need(need, by: unit("web.service"))
        #expect(fleet.plan().summary == ["web:a>b"])
    }
}
