import FleetModel
import Testing
import UnitFile

/// `[X-Fleet]` as fleet documented it, and the new keys.
@Suite struct FleetSectionTests {
    /// The options that `lines`, below `[X-Fleet]`, give the unit called `name`.
    static func options(_ lines: String, _ name: String = "web@1.service") throws -> FleetOptions {
        let section = try FleetSection.parse(ParsedUnitFile.parse("[X-Fleet]\n" + lines, path: "web.service"))
        return try section.options(for: UnitName(name))
    }

    @Test func nothing() throws {
        #expect(try Self.options("") == FleetOptions())
        let section = try FleetSection.parse(ParsedUnitFile.parse("[Unit]\nConflicts=a.service\nNonsense=1\n"))
        #expect(try section.options(for: UnitName("web.service")) == FleetOptions())
    }

    @Test(
        arguments: [
            ("MachineID=0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
            ("MachineID=01234567", "01234567"),
            ("MachineID=\"01234567\"", "01234567"),
            ("X-ConditionMachineID=01234567", "01234567"),
            ("X-ConditionMachineBootID=01234567", "01234567"),
            ("MachineID=01234567\nMachineID=01234567", "01234567"),
            ("MachineID=01234567\nMachineID=\nMachineID=89abcdef", "89abcdef"),
            ("MachineID=01234567\nMachineID=", nil),
            ("MachineID=%m", "%m"),
        ] as [(String, String?)]
    )
    func machineID(_ lines: String, _ expected: String?) throws {
        #expect(try Self.options(lines).machineID?.description == expected)
    }

    @Test(arguments: [
        ("MachineOf=db.service", ["db.service"]),
        ("X-ConditionMachineOf=db.service", ["db.service"]),
        ("MachineOf=db.service\nMachineOf=b.socket", ["db.service", "b.socket"]),
        ("MachineOf=db.service b.socket", ["db.service", "b.socket"]),
        ("MachineOf=\"db.service\" \"b.socket\"", ["db.service", "b.socket"]),
        ("MachineOf=db.service\nMachineOf=db.service", ["db.service"]),
        ("MachineOf=db.service\nMachineOf=\nMachineOf=b.socket", ["b.socket"]),
        ("MachineOf=db@%i.service", ["db@1.service"]),
        ("MachineOf=%p.socket", ["web.socket"]),
        ("MachineOf=%j-%i.path", ["web-1.path"]),
    ])
    func machineOf(_ lines: String, _ expected: [String]) throws {
        #expect(try Self.options(lines).machineOf.map(\.description) == expected)
    }

    @Test(
        arguments: [
            ("MachineMetadata=region=eu", ["region": ["eu"]]),
            ("X-ConditionMachineMetadata=region=eu", ["region": ["eu"]]),
            ("MachineMetadata=region=eu\nMachineMetadata=region=us", ["region": ["eu", "us"]]),
            ("MachineMetadata=\"region=eu\" \"disk=ssd\"", ["region": ["eu"], "disk": ["ssd"]]),
            (
                "MachineMetadata=\"region=eu\"   \"region=us\"\t\"disk=ssd\"",
                ["region": ["eu", "us"], "disk": ["ssd"]]
            ),
            ("MachineMetadata=\"place=rack 3\"", ["place": ["rack 3"]]),
            ("MachineMetadata=place=rack 3", ["place": ["rack 3"]]),
            ("MachineMetadata= region = eu ", ["region": ["eu"]]),
            ("MachineMetadata=instance=%i", ["instance": ["1"]]),
            ("MachineMetadata=load=50%%", ["load": ["50%"]]),
            ("MachineMetadata=region=eu\nMachineMetadata=", [:]),
            ("MachineMetadata=\"a=b\" \\\n\"c=d\"", ["a": ["b"], "c": ["d"]]),
        ] as [(String, [String: Set<MachineText>])]
    )
    func metadata(_ lines: String, _ expected: [String: Set<MachineText>]) throws {
        #expect(try Self.options(lines).metadata == expected)
    }

    @Test(arguments: [
        ("Conflicts=a.service", ["a.service"]),
        ("X-Conflicts=a.service", ["a.service"]),
        ("Conflicts=a.service b*.service\tc?.service", ["a.service", "b*.service", "c?.service"]),
        ("Conflicts=\"a.service b.service\" \"c.service\"", ["a.service", "b.service", "c.service"]),
        ("Conflicts=a.service\nX-Conflicts=b.service", ["a.service", "b.service"]),
        ("Conflicts=a.service\nConflicts=\nConflicts=b.service", ["b.service"]),
        ("Conflicts=%p@*.service", ["web@*.service"]),
        ("Conflicts=a\\x2db.mount", ["a\\\\x2db.mount"]),
        ("Conflicts=a\\\\x2db.mount", ["a\\\\x2db.mount"]),
        ("Conflicts=a\\*.mount [^a]", ["a\\*.mount", "[^a]"]),
    ])
    func conflicts(_ lines: String, _ expected: [String]) throws {
        #expect(try Self.options(lines).conflicts.map(\.description) == expected)
        let replaces = lines.replacing("X-Conflicts", with: "Replaces").replacing("Conflicts", with: "Replaces")
        #expect(try Self.options(replaces).replaces.map(\.description) == expected)
    }

    /// The file is compared with the unit that it becomes; only the registry knows of a `ServiceName=`.
    @Test(arguments: [
        ("db.container", "db.service"),
        ("app.network", "app-network.service"),
        ("db@%i.container", "db@1.service"),
        ("a\\x2db.kube", "a\\x2db.service"),
    ])
    func quadletFiles(_ file: String, _ service: String) throws {
        let options = try Self.options("MachineOf=\(file) b.socket")
        #expect(options.machineOf.map(\.description) == ["b.socket"])
        let named = options.naming(\.standardService)
        #expect(named.machineOf.map(\.description) == ["b.socket", service])
        #expect(named.naming(\.standardService) == named)
        let replaces = try Self.options("Replaces=\(file) r*.service").naming(\.standardService).replaces
        #expect(replaces.count == 2)
        #expect(replaces.contains { $0.matches(service) && $0.description != "r*.service" })
        let other = try UnitName("lan.service")
        #expect(options.naming { _ in other }.machineOf.map(\.description) == ["b.socket", "lan.service"])
        let conflicts = try Self.options("Conflicts=\(file)").naming(\.standardService)
        #expect(conflicts.conflict(with: try UnitName(service)) != nil)
        #expect(conflicts.conflict(with: other) == nil)
    }

    @Test func patternsOverFilesAreKeptAsTheyAre() throws {
        let options = try Self.options("Conflicts=web*.container")
        #expect(options.conflicts.map(\.description) == ["web*.container"])
        #expect(options.quadlets.all.isEmpty)
        let file = try ParsedUnitFile.parse("[X-Fleet]\nConflicts=web*.container *.service\n", path: "a.service")
        let warnings = UnitValidation.warnings(name: try UnitName("a.service"), file: file)
        #expect(
            warnings.count == 1 && warnings[0].hasPrefix("a.service:2:11: Conflicts=web*.container matches nothing")
        )
    }

    @Test(arguments: [
        ("MachineOf=db@.container", "MachineOf=db@.container is a template"),
        ("MachineOf=me.container", "MachineOf=me.container is this unit itself"),
        ("MachineOf=db.container\nConflicts=db.service", "unresolvable requirements: peer \"db.service\""),
        ("MachineOf=db.container\nReplaces=db.container", "unresolvable requirements: peer \"db.service\""),
    ])
    func wrongQuadletFiles(_ lines: String, _ message: String) throws {
        let error = #expect(throws: UnitFileError.self) {
            let section = try FleetSection.parse(ParsedUnitFile.parse("[X-Fleet]\n" + lines))
            _ = try section.options(for: UnitName("lan.service"), source: QuadletName("me.container"))
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func specifiersInPatternsAreLiteral() throws {
        let options = try Self.options("Conflicts=db@%i.service %J.*", "a-b\\x2dc@x\\x2dy.service")
        #expect(options.conflicts[0].matches("db@x\\x2dy.service"))
        #expect(!options.conflicts[0].matches("db@xx2dy.service"))
        #expect(options.conflicts[1].description == "b-c.*")
    }

    @Test func specifiersAreExpandedOnce() throws {
        // fleet replaced %n first and then found the %p in the instance it had put in.
        let template = try FleetSection.parse(ParsedUnitFile.parse("[X-Fleet]\nMachineMetadata=k=%I%%p\n"))
        let options = try template.options(for: UnitName("web@\\x25p.service"))
        #expect(options.metadata == ["k": ["%p%p"]])
    }

    @Test(arguments: ["true", "yes", "1", "on", "t", "y", "True", "YES", "ON"])
    func yes(_ word: String) throws {
        #expect(try Self.options("Global=\(word)").isGlobal)
        #expect(try Self.options("AtMostOnce=\(word)").atMostOnce)
    }

    @Test(arguments: ["false", "no", "0", "off", "f", "n", "False", "NO", ""])
    func no(_ word: String) throws {
        #expect(try !Self.options("Global=\(word)").isGlobal)
        #expect(try !Self.options("AtMostOnce=yes\nAtMostOnce=\(word)").atMostOnce)
    }

    @Test func lastScalarCounts() throws {
        #expect(try !Self.options("Global=yes\nGlobal=no").isGlobal)
        #expect(try Self.options("Global=no\nGlobal=yes").isGlobal)
        #expect(try Self.options("Reschedule=never\nReschedule=").reschedule.trigger == .onFailure)
    }

    @Test func templatesLeaveInstancesOpen() throws {
        let lines = "MachineOf=db@%i.service\nMachineOf=%p.socket\nConflicts=%n\nMachineMetadata=k=%i\nMachineID=%I\n"
        let section = try FleetSection.parse(
            ParsedUnitFile.parse(
                "[X-Fleet]\n" + lines.replacing("MachineID=%I\n", with: "").replacing("Conflicts=%n\n", with: "")
            )
        )
        let template = try section.options(for: UnitName("web@.service"))
        #expect(template.machineOf.map(\.description) == ["web.socket"])
        #expect(template.metadata.isEmpty)
        let instance = try section.options(for: UnitName("web@7.service"))
        #expect(instance.machineOf.map(\.description) == ["db@7.service", "web.socket"])
        #expect(instance.metadata == ["k": ["7"]])
    }
}
