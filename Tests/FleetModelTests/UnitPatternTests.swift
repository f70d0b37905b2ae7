import FleetModel
import Testing

/// The cases of Go's documentation of `path.Match`, and of what fleet's users write.
@Suite struct UnitPatternTests {
    @Test(arguments: [
        ("abc", "abc", true), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true), ("a*", "abc", true),
        ("a*", "ab/c", false), ("a*/b", "abc/b", true), ("a*/b", "a/c/b", false), ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true), ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
        ("a*b?c*x", "abxbbxdbxebxczzx", true), ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true), ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^b-d]", "abc", false),
        ("ab[^e-g]", "abc", true), ("a\\*b", "a*b", true), ("a\\*b", "ab", false), ("a?b", "a☺b", true),
        ("a[^a]b", "a☺b", true), ("a???b", "a☺b", false), ("a[^a][^a][^a]b", "a☺b", false), ("[a-ζ]*", "α", true),
        ("*[a-ζ]", "A", false), ("a?b", "a/b", false), ("a*b", "a/b", false), ("[\\]a]", "]", true),
        ("[\\-]", "-", true),
        ("[x\\-]", "x", true), ("[x\\-]", "-", true), ("[x\\-]", "z", false), ("[\\-x]", "x", true),
        ("*x", "xxx", true),
        ("[z-a]", "b", false), ("[^z-a]", "b", true), ("[!a]", "b", false), ("[!a]", "!", true), ("", "", true),
        ("", "a", false), ("*", "", true), ("?", "", false), ("**", "ab", true), ("a**b", "ab", true),
        ("web@*.service", "web@1.service", true), ("web@*.service", "web.service", false),
        ("web@[0-9].service", "web@10.service", false), ("web.service", "xweb.service", false),
        ("e\u{301}", "é", false), ("?", "e\u{301}", false), ("??", "e\u{301}", true),
    ])
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(UnitPattern(pattern).matches(name) == expected)
        #expect(try UnitPattern(validating: pattern).matches(name) == expected)
    }

    @Test(arguments: [
        "[", "[^", "[^bc", "a[", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "\\", "a\\", "[\\", "[a-\\", "[]",
    ])
    func malformed(_ pattern: String) {
        #expect(throws: PatternError.self) { try UnitPattern(validating: pattern) }
        #expect(!UnitPattern(pattern).matches("a"))
        #expect(!UnitPattern(pattern).matches(pattern))
    }

    @Test func manyStarsAreCheap() {
        let pattern = UnitPattern(String(repeating: "a*", count: 120) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 255)))
    }

    @Test func agreesWithBacktracking() {
        let alphabet: [Unicode.Scalar] = ["a", "b", "*", "?"]
        func texts(_ scalars: [Unicode.Scalar], _ length: Int) -> [[Unicode.Scalar]] {
            length == 0 ? [[]] : texts(scalars, length - 1).flatMap { head in scalars.map { head + [$0] } }
        }
        func matches(_ pattern: ArraySlice<Unicode.Scalar>, _ name: ArraySlice<Unicode.Scalar>) -> Bool {
            guard let first = pattern.first else { return name.isEmpty }
            if first == "*" {
                return (0...name.count).contains { matches(pattern.dropFirst(), name.dropFirst($0)) }
            }
            guard let next = name.first, first == "?" || first == next else { return false }
            return matches(pattern.dropFirst(), name.dropFirst())
        }
        func string(_ scalars: [Unicode.Scalar]) -> String { String(String.UnicodeScalarView(scalars)) }
        for pattern in (0...4).flatMap({ texts(alphabet, $0) }) {
            let compiled = UnitPattern(string(pattern))
            for name in (0...4).flatMap({ texts(["a", "b"], $0) }) where name.count.isMultiple(of: 2) || name.count == 3
            {
                #expect(
                    compiled.matches(string(name)) == matches(pattern[...], name[...]),
                    "\(string(pattern)) \(string(name))"
                )
            }
        }
    }

    @Test func quoting() {
        for text in ["a", "*", "[a]", "a\\x2db", "?", "\\", "a*b?c[d]\\e"] {
            #expect(UnitPattern(UnitPattern.quoting(text)).matches(text))
        }
        #expect(!UnitPattern(UnitPattern.quoting("*")).matches("a"))
    }
}
