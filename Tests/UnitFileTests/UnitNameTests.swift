import Testing
import UnitFile

@Suite struct UnitNameTests {
    @Test(
        arguments: [
            ("web.service", "web", nil, "web", UnitType.service),
            ("web@.service", "web", "", "web@", .service),
            ("web@1.service", "web", "1", "web@1", .service),
            ("web@a@b.timer", "web", "a@b", "web@a@b", .timer),
            ("a.b.c.socket", "a.b.c", nil, "a.b.c", .socket),
            ("web@1.2.service", "web", "1.2", "web@1.2", .service),
            ("-.slice", "-", nil, "-", .slice),
            ("-.mount", "-", nil, "-", .mount),
            ("dev-disk-by\\x2duuid.device", "dev-disk-by\\x2duuid", nil, "dev-disk-by\\x2duuid", .device),
            ("A:b_C.target", "A:b_C", nil, "A:b_C", .target),
            (".hidden.path", ".hidden", nil, ".hidden", .path),
            ("...service", "..", nil, "..", .service),
        ] as [(String, String, String?, String, UnitType)]
    )
    func parts(_ text: String, _ prefix: String, _ instance: String?, _ stem: String, _ type: UnitType) throws {
        let name = try UnitName(text)
        #expect(name.description == text)
        #expect(name.prefix == prefix)
        #expect(name.instance == instance)
        #expect(name.stem == stem)
        #expect(name.type == type)
        #expect(name.isTemplate == (instance == ""))
        #expect(name.isInstance == (instance?.isEmpty == false))
    }

    @Test(arguments: [
        ("", "unit name cannot be empty"),
        ("web", "unit name must contain \".\""),
        ("web.", "unit name cannot end in \".\""),
        ("web.foo", "invalid unit type: \"foo\""),
        ("web.Service", "invalid unit type: \"Service\""),
        ("web.container", "invalid unit type: \"container\""),
        (".service", "unit name cannot start in \".\""),
        ("@.service", "unit name cannot start in \"@\""),
        ("@1.service", "unit name cannot start in \"@\""),
        ("we b.service", "invalid character ' ' in unit name"),
        ("../../etc/passwd", "invalid unit type: \"/etc/passwd\""),
        ("../../etc/passwd.service", "invalid character '/' in unit name"),
        ("wéb.service", "invalid character 'é' in unit name"),
        ("web\u{301}.service", "invalid character '\u{301}' in unit name"),
        ("web.\u{301}service", "invalid character"),
        ("web\n.service", "invalid character '\\u{a}' in unit name"),
        ("web\u{1B}[2J.service", "invalid character '\\u{1b}' in unit name"),
        ("web\u{0}.service", "invalid character '\\u{0}' in unit name"),
        ("web.\u{1B}", "invalid unit type: \"\\u{1b}\""),
        ("web%i.service", "invalid character '%' in unit name"),
        ("web*.service", "invalid character '*' in unit name"),
        ("https://x.service", "invalid character '/' in unit name"),
    ])
    func refusals(_ text: String, _ message: String) {
        let error = #expect(throws: UnitNameError.self) { try UnitName(text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test func length() throws {
        let longest = String(repeating: "x", count: 247) + ".service"
        #expect(try UnitName(longest).description.utf8.count == 255)
        let error = #expect(throws: UnitNameError.self) { try UnitName("x" + longest) }
        #expect(error?.description == "unit name exceeds maximum length (255)")
        let huge = String(repeating: "ä", count: 100_000) + ".service"
        #expect(throws: UnitNameError.self) { try UnitName(huge) }
    }

    @Test(arguments: [
        ("web", "web.service"), ("web.service", "web.service"), ("web@1", "web@1.service"), ("web@", "web@.service"),
        ("web.target", "web.target"), ("web.timer", "web.timer"), ("web.conf", "web.conf.service"),
        ("a.b", "a.b.service"), ("data.mount", "data.mount"), ("user.slice", "user.slice"),
    ])
    func completion(_ text: String, _ expected: String) throws {
        #expect(try UnitName.completing(text).description == expected)
    }

    @Test(arguments: ["", "a b", "../x", "/etc/passwd", "x\u{7}", "*", String(repeating: "x", count: 248)])
    func completionRefuses(_ text: String) {
        #expect(throws: UnitNameError.self) { try UnitName.completing(text) }
    }

    @Test(arguments: [
        ("", "."), ("/", "/"), ("//", "/"), ("a", "a"), ("a/b", "b"), ("/a/b/", "b"), ("a//b//", "b"), ("..", ".."),
        ("./web.service", "web.service"), ("../../etc/passwd", "passwd"),
    ])
    func baseNames(_ path: String, _ expected: String) {
        #expect(UnitName.baseName(of: path) == expected)
    }

    @Test func nameOfFile() throws {
        #expect(try UnitName.ofFile("/srv/units/web.service").description == "web.service")
        #expect(try UnitName.ofFile("units/web").description == "web.service")
        #expect(throws: UnitNameError.self) { try UnitName.ofFile("/") }
    }

    @Test func templates() throws {
        let template = try UnitName("web@.service")
        let instance = try template.instance(of: "a\\x2db")
        #expect(instance.description == "web@a\\x2db.service")
        #expect(instance.template == template)
        #expect(template.template == nil)
        #expect(try UnitName("web.service").template == nil)
        #expect(throws: UnitNameError.self) { try template.instance(of: "") }
        #expect(throws: UnitNameError.self) { try template.instance(of: "a/b") }
        #expect(throws: UnitNameError.self) { try template.instance(of: "a b") }
        #expect(throws: UnitNameError.self) { try template.instance(of: String(repeating: "x", count: 250)) }
        #expect(throws: UnitNameError.self) { try instance.instance(of: "b") }
    }

    @Test func templateTypes() {
        #expect(UnitType.allCases.filter(\.canBeTemplate) == [.service, .socket, .target, .path, .timer])
        #expect(UnitType.automount.section == "Automount")
    }
}
