import FleetModel
import FleetUseCases
import Testing
import UnitFile

@Suite("Submitting and destroying Quadlet files")
struct QuadletUnitsTests {
    private static let web = "[Container]\nImage=localhost/x:1\nNetwork=app.network\n"
    private static let network = "[Network]\n"

    private func submission(_ name: String, _ text: String?) throws -> Submission {
        let source = try QuadletName(name)
        let service = try text.map { try source.service(try ParsedUnitFile.parse($0)) } ?? source.standardService
        return Submission(name: service, source: source, text: text, path: "here/\(name)")
    }

    private func submit(
        _ files: [(String, String)],
        _ target: TargetState = .inactive,
        replace: Replacement = .keep,
        in world: inout World
    ) throws -> [UnitName: ChangeOutcome.Effect] {
        let submissions = try files.map { try submission($0.0, $0.1) }
        return try world.perform(.submit(submissions, target: target, replace: replace))
    }

    @Test("Files that name each other come in one request, and are stored under their services' names")
    func together() throws {
        var world = try World()
        _ = try submit([("web.container", Self.web), ("app.network", Self.network)], in: &world)
        let unit = try #require(world.snapshot.units[try UnitName("web.service")])
        #expect(unit.intent.source?.description == "web.container")
        #expect(unit.quadlet?.references.map(\.description) == ["app.network"])
        #expect(world.snapshot.unit(from: try QuadletName("app.network"))?.description == "app-network.service")
        #expect(world.snapshot.name(meantBy: try QuadletName("other.pod")).description == "other-pod.service")
    }

    @Test("What is stored already need not come again")
    func stored() throws {
        var world = try World()
        _ = try submit([("app.network", Self.network)], in: &world)
        _ = try submit([("web.container", Self.web)], .launched, in: &world)
        #expect(try world.target("web.service") == .launched)
        #expect(try world.target("app-network.service") == .inactive)
    }

    @Test("A missing file is an error with place and way out, and nothing is stored")
    func missing() throws {
        var world = try World()
        let change = Change.submit([try submission("web.container", Self.web)], target: .inactive, replace: .keep)
        let error = #expect(throws: UseCaseError.self) { try world.plan(change) }
        #expect(
            error?.message
                == "here/web.container:3:9: Network= names app.network, which is neither in the registry nor in this "
                + "request; put the file beside this one, or submit it first"
        )
        #expect(world.snapshot.units.isEmpty)
    }

    @Test("ServiceName= names the unit, and one file stays one unit")
    func serviceName() throws {
        var world = try World()
        let named = "[Network]\nServiceName=lan\n"
        _ = try submit([("app.network", named)], in: &world)
        #expect(try world.file("lan.service") == ContentHash(of: named))
        let effects = try submit([("app.network", Self.network)], replace: .withinTarget, in: &world)
        let refusal = effects[try UnitName("app-network.service")]?.refusal
        #expect(
            refusal?.message
                == "app.network is stored as lan.service and would become app-network.service: destroy lan.service first"
        )
    }

    @Test("Two files do not become one unit")
    func strife() throws {
        var world = try World()
        _ = try submit([("web.container", "[Container]\nImage=x\n")], in: &world)
        let effects = try world.perform(
            .submit([Submission(name: UnitName("web.service"), text: World.simple)], target: .inactive, replace: true)
        )
        #expect(effects[try UnitName("web.service")]?.refusal?.kind == .conflict)
    }

    @Test("A file that others need is destroyed with them or after them")
    func destroy() throws {
        var world = try World()
        _ = try submit([("web.container", Self.web), ("app.network", Self.network)], in: &world)
        let (web, network) = (try UnitName("web.service"), try UnitName("app-network.service"))
        let refusal = try world.perform(.destroy([network]))[network]?.refusal
        #expect(
            refusal?.message
                == "app.network is needed by web.service: destroy that unit first, or all in one command"
        )
        try world.perform(.destroy([network, web]))
        #expect(world.snapshot.units.isEmpty)
        #expect(world.files.isEmpty)
        #expect(world.snapshot.unitsBySource.isEmpty)
    }

    @Test("Replacing a file renews the units that need it, and their failures are forgotten")
    func replaced() throws {
        var world = try World()
        _ = try submit([("app.network", Self.network)], in: &world)
        _ = try submit([("web.container", Self.web)], .launched, in: &world)
        try world.record("web.service", count: 3, .givenUp(reason: "enough"))
        let name = try UnitName("web.service")
        let before = try #require(world.snapshot.units[name]?.generation)
        let effects = try submit([("app.network", "[Network]\nInternal=yes\n")], replace: true, in: &world)
        #expect(effects[name] == nil)
        #expect(try #require(world.snapshot.units[name]?.generation) > before)
        #expect(world.snapshot.failures[name] == nil)
        // Both at once: the user's own change is all that is written of it.
        let both = try submit(
            [("web.container", Self.web + "Label=a=b\n"), ("app.network", "[Network]\n")],
            .launched,
            replace: true,
            in: &world
        )
        #expect(both[name]?.isChanged == true)
    }

    @Test("What comes beside a unit is stored, and not started")
    func companion() throws {
        var world = try World()
        var network = try submission("app.network", Self.network)
        network.isCompanion = true
        let web = try submission("web.container", Self.web)
        try world.perform(.submit([web, network], target: .launched, replace: .keep))
        #expect(try world.target("web.service") == .launched)
        #expect(try world.target("app-network.service") == .inactive)
        _ = try submit([("app.network", Self.network)], .launched, in: &world)
        try world.perform(.submit([web, network], target: .launched, replace: .keep))
        #expect(try world.target("app-network.service") == .launched)
    }

    @Test("A unit whose file is not replaced is not renewed")
    func untouched() throws {
        var world = try World()
        _ = try submit([("app.network", Self.network)], in: &world)
        _ = try submit([("web.container", Self.web)], .launched, in: &world)
        let before = world.snapshot.units[try UnitName("web.service")]
        _ = try submit([("app.network", Self.network)], .launched, replace: true, in: &world)
        #expect(world.snapshot.units[try UnitName("web.service")] == before)
    }

    @Test("A file that running units need is not stopped under them; unloading leaves it to them")
    func stopUnderUsers() throws {
        var world = try World()
        let (web, network) = (try UnitName("web.service"), try UnitName("app-network.service"))
        _ = try submit([("app.network", Self.network), ("web.container", Self.web)], .launched, in: &world)
        let message =
            "app.network is needed by web.service, which should run: stop that unit first, or all in one command; "
            + "unload leaves it to them"
        #expect(try world.perform(.lower([network], to: .loaded))[network]?.refusal?.message == message)
        #expect(try world.perform(.target([network], .loaded))[network]?.refusal?.message == message)
        #expect(try world.target("app-network.service") == .launched)
        try world.perform(.lower([network, web], to: .loaded))
        #expect(try world.target("app-network.service") == .loaded)
        try world.perform(.target([network, web], .launched))
        try world.perform(.lower([network], to: .inactive))
        #expect(try world.target("app-network.service") == .inactive)
    }

    @Test("An order of starts alone keeps nobody from stopping a unit")
    func orderOnly() throws {
        var world = try World()
        let after = "[Unit]\nAfter=db.container\nWants=db.container\n[Container]\nImage=x\n"
        _ = try submit([("db.container", "[Container]\nImage=x\n"), ("web.container", after)], .launched, in: &world)
        let db = try UnitName("db.service")
        #expect(try world.perform(.lower([db], to: .loaded))[db]?.isChanged == true)
    }

    @Test(
        "A container that others start asks for nothing that holds of units started by name only",
        arguments: ["Network=db.container", "[Unit]\nWants=db.container", "[Unit]\nRequires=db.container"]
    )
    func guardedCompanion(line: String) throws {
        var world = try World()
        let web = "[Container]\nImage=x\n\(line)\n"
        let plain = "[Container]\nImage=x\n"
        let guarded = plain + "[X-Fleet]\nAtMostOnce=yes\n"
        func message(_ files: [(String, String)]) throws -> String? {
            let change = Change.submit(try files.map { try submission($0.0, $0.1) }, target: .inactive, replace: true)
            return #expect(throws: UseCaseError.self) { try world.plan(change) }?.message
        }
        let key = line.split(whereSeparator: { $0 == "\n" || $0 == "=" }).dropLast().last ?? ""
        let place = line.hasPrefix("[") ? "here/web.container:4:\(key.count + 2)" : "here/web.container:3:9"
        let words =
            "\(key)= names db.container, which has AtMostOnce=: that holds of a unit that is started by its name, and "
            + "systemd would start this one with web.container; leave it out there, or here"
        #expect(try message([("web.container", web), ("db.container", guarded)]) == "\(place): \(words)")
        _ = try submit([("web.container", web), ("db.container", plain)], in: &world)
        #expect(
            try message([("db.container", guarded)])
                == "here/db.container:4:12: AtMostOnce= holds of a unit that is started by its name, and systemd starts this "
                + "one with web.service, which needs it"
        )
        // Both at once, and no longer together.
        _ = try submit([("web.container", plain), ("db.container", guarded)], replace: .withinTarget, in: &world)
        #expect(try world.file("db.service") == ContentHash(of: guarded))
    }

    /// A replaced file and those who need it may be more than one transaction takes, and somebody may write in between.
    @Test("What is left of a replacement still renews the users")
    func conflictInTheMiddle() throws {
        var world = try World()
        _ = try submit([("app.network", Self.network)], in: &world)
        _ = try submit([("web.container", Self.web)], .launched, in: &world)
        let (web, network) = (try UnitName("web.service"), try UnitName("app-network.service"))
        let before = try #require(world.snapshot.units[web]?.generation)
        let change = Change.submit(
            [try submission("app.network", "[Network]\nInternal=yes\n")],
            target: .inactive,
            replace: .withinTarget
        )
        let plan = try world.plan(change)
        #expect(plan.replaced == [try QuadletName("app.network"): network])
        // Only the file's own write gets through.
        let rest = change.excluding([network], of: plan)
        _ = try submit([("app.network", "[Network]\nInternal=yes\n")], replace: true, in: &world)
        let between = try #require(world.snapshot.units[web]?.generation)
        #expect(between > before)
        try world.perform(rest)
        #expect(try #require(world.snapshot.units[web]?.generation) > between)
        guard case .submit(let submissions, _, _, let renewing) = rest else { return }
        #expect(submissions.isEmpty)
        #expect(renewing == [try QuadletName("app.network")])
        #expect(change.excluding([]) == change)
    }
}
