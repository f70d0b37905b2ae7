import Testing
import UnitFile

@Suite struct SpecifierTests {
    @Test(
        arguments: [
            (Specifier.fullName, "a-b@c\\x2dd-e.service", "a-b@c\\x2dd-e.service"),
            (.stem, "a-b@c\\x2dd-e.service", "a-b@c\\x2dd-e"),
            (.prefix, "a-b@c\\x2dd-e.service", "a-b"),
            (.unescapedPrefix, "a-b@c\\x2dd-e.service", "a/b"),
            (.instance, "a-b@c\\x2dd-e.service", "c\\x2dd-e"),
            (.unescapedInstance, "a-b@c\\x2dd-e.service", "c-d/e"),
            (.lastComponent, "a-b@c\\x2dd-e.service", "b"),
            (.unescapedLastComponent, "a-b\\x2dc@1.service", "b-c"),
            (.fullName, "web.service", "web.service"),
            (.stem, "web.service", "web"),
            (.prefix, "web.service", "web"),
            (.prefix, "a-b.service", "a-b"),
            (.instance, "web.service", ""),
            (.unescapedInstance, "web.service", ""),
            (.instance, "web@.service", ""),
            (.lastComponent, "web.service", "web"),
            (.lastComponent, "a-.service", ""),
            (.machineID, "web.service", nil),
            (.hostname, "web.service", nil),
        ] as [(Specifier, String, String?)]
    )
    func meanings(_ specifier: Specifier, _ name: String, _ expected: String?) throws {
        #expect(try specifier.text(for: UnitName(name)) == expected)
    }

    @Test(arguments: [
        ("Worker %i of %p", "web@3.service", "Worker 3 of web"),
        ("%I", "web@a-b.service", "a/b"),
        ("on %H, %h and %m", "web.service", "on %H, %h and %m"),
        ("100%%, 5%", "web.service", "100%, 5%"),
        ("Worker %i of %p", "web@.service", "Worker %i of web"),
        ("%I", "web@\\xzz.service", "%I"),
    ])
    func filledInAsFarAsTheNameGoes(_ text: String, _ name: String, _ expected: String) throws {
        #expect(try SpecifierText.expand(text, for: UnitName(name)) == expected)
    }

    @Test(
        arguments: [
            ("", []),
            ("plain", [.literal("plain")]),
            ("%i", [.specifier(.instance)]),
            ("a%pb%nc", [.literal("a"), .specifier(.prefix), .literal("b"), .specifier(.fullName), .literal("c")]),
            ("%%i", [.literal("%i")]),
            ("%%%i", [.literal("%"), .specifier(.instance)]),
            ("100%%", [.literal("100%")]),
            ("%m%H", [.specifier(.machineID), .specifier(.hostname)]),
        ] as [(String, [SpecifierText.Part])]
    )
    func cuts(_ text: String, _ parts: [SpecifierText.Part]) throws {
        #expect(try SpecifierText(text).parts == parts)
    }

    @Test(arguments: [
        ("%", "single % at the end"), ("50%", "single % at the end"), ("%x", "unknown specifier %x"),
        ("%b", "unknown specifier %b"), ("% i", "unknown specifier % "), ("%i\u{301}%é", "unknown specifier %é"),
        ("%\u{1B}", "unknown specifier %\\u{1b}"),
    ])
    func refusals(_ text: String, _ message: String) {
        let error = #expect(throws: UnitNameError.self) { try SpecifierText(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func unknownSpecifiersNameTheKnown() {
        let error = #expect(throws: UnitNameError.self) { try SpecifierText("%z") }
        #expect(error?.description.contains("%n %N %p %P %i %I %j %J %m %H") == true)
    }
}
