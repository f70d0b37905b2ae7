import Testing
import UnitFile

/// The expected texts are those of systemd-escape(1), systemd 252.
@Suite struct EscapingTests {
    @Test(arguments: [
        ("", ""), ("abc", "abc"), ("a/b-c", "a-b\\x2dc"), (".x", "\\x2ex"), ("x.", "x."), ("a b", "a\\x20b"),
        ("ä", "\\xc3\\xa4"), ("@", "\\x40"), ("a\\b", "a\\x5cb"), ("a:b_c", "a:b_c"), ("\n\t", "\\x0a\\x09"),
        ("/", "-"),
        ("//", "--"), ("..", "\\x2e."), ("e\u{301}", "e\\xcc\\x81"),
    ])
    func escapes(_ text: String, _ escaped: String) throws {
        #expect(UnitEscaping.escape(text) == escaped)
        #expect(Array(try UnitEscaping.unescape(escaped).utf8) == Array(text.utf8))
    }

    @Test(arguments: [("a-b", "a/b"), ("\\x2D", "-"), ("\\x2d\\x2d", "--"), ("@", "@"), ("a b", "a b"), ("ä", "ä")])
    func unescapes(_ text: String, _ plain: String) throws {
        #expect(try UnitEscaping.unescape(text) == plain)
    }

    @Test(arguments: [
        "\\", "a\\", "\\x", "\\x2", "\\xzz", "\\n", "\\X2d", "\\x+1", "\\xff", "\\x00", "\\xed\\xa0\\x80",
    ])
    func unescapeRefuses(_ text: String) {
        #expect(throws: UnitNameError.self) { try UnitEscaping.unescape(text) }
    }

    @Test(arguments: [
        ("/", "-", "/"), ("", "-", "/"), ("///", "-", "/"), ("/.", "-", "/"),
        ("/var/lib/foo", "var-lib-foo", "/var/lib/foo"),
        ("//a//b/", "a-b", "/a/b"), ("a/./b", "a-b", "/a/b"), ("/.x/y", "\\x2ex-y", "/.x/y"),
        ("/a-b", "a\\x2db", "/a-b"),
        ("/a/.x", "a-.x", "/a/.x"),
    ])
    func paths(_ path: String, _ escaped: String, _ back: String) throws {
        #expect(try UnitEscaping.escape(path: path) == escaped)
        #expect(try UnitEscaping.unescapePath(escaped) == back)
    }

    @Test(arguments: ["..", "/a/../b", "../x", "/..", ".", "./"])
    func pathRefusals(_ path: String) {
        #expect(throws: UnitNameError.self) { try UnitEscaping.escape(path: path) }
    }

    @Test(arguments: ["", "-a", "a-", "a--b", "--", "a-.", "a-..", "..", ".", "\\x2e", "\\x2e\\x2e-etc", "\\", "\\xff"])
    func escapedPathRefusals(_ text: String) {
        #expect(throws: UnitNameError.self) { try UnitEscaping.unescapePath(text) }
    }

    @Test func everyByteComesBack() throws {
        for value in 1...0x10FFFF as ClosedRange<UInt32> where value % 61 == 0 || value < 300 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = "a" + String(Character(scalar))
            let escaped = UnitEscaping.escape(text)
            try #require(Array(try UnitEscaping.unescape(escaped).utf8) == Array(text.utf8), "\(value)")
            _ = try UnitName("t@\(escaped).service")
        }
    }
}
