import Testing
import UnitFile

/// The grammar of systemd.syntax(7), case by case. What systemd makes of each text was seen with
/// `systemd-analyze verify` of systemd 252.
@Suite struct GrammarTests {
    /// Every option of a text as `Section/Key=Value@line:column`.
    static func options(_ text: String) throws -> [String] {
        try ParsedUnitFile.parse(text).sections.flatMap { section in
            section.options.map { "\(section.name)/\($0.key)=\($0.value)@\($0.line):\($0.column)" }
        }
    }

    @Test(
        arguments: [
            ("", []),
            ("\n\n", []),
            ("# only a comment", []),
            ("[Unit]", []),
            ("[Unit]\nA=b\n", ["Unit/A=b@2:1"]),
            ("[Unit]\nA=b", ["Unit/A=b@2:1"]),
            ("[Unit]\n  A  =  b c  \n", ["Unit/A=b c@2:3"]),
            ("[Unit]\n\t A\t=\tb\t\n", ["Unit/A=b@2:3"]),
            ("[Unit]\nA=\n", ["Unit/A=@2:1"]),
            ("[Unit]\nA=b=c=d\n", ["Unit/A=b=c=d@2:1"]),
            ("[Unit]\n#A=b\n;C=d\n  # E=f\n\t;G=h\nI=j\n", ["Unit/I=j@6:1"]),
            ("[Unit]\nA=b # c\n", ["Unit/A=b # c@2:1"]),
            ("[A]\nk=1\n[B]\nk=2\n[A]\nk=3\n", ["A/k=1@2:1", "B/k=2@4:1", "A/k=3@6:1"]),
            ("  [Unit]  \nA=b\n", ["Unit/A=b@2:1"]),
            ("[ Unit ]\nA=b\n", [" Unit /A=b@2:1"]),
            ("[X-Any thing]\nA=b\n", ["X-Any thing/A=b@2:1"]),
            ("[]\nA=b\n", ["/A=b@2:1"]),
            ("[Unit]\nBeschreibung=Größe 日本\n", ["Unit/Beschreibung=Größe 日本@2:1"]),
            ("[Unit]\nÄ=b\n", ["Unit/Ä=b@2:1"]),
            ("[Unit]\nA=\"b\" 'c' \\x20\n", ["Unit/A=\"b\" 'c' \\x20@2:1"]),
        ] as [(String, [String])]
    )
    func lines(_ text: String, _ expected: [String]) throws {
        #expect(try Self.options(text) == expected)
    }

    @Test(
        arguments: [
            ("[U]\nA=b \\\nc\nD=e\n", ["U/A=b  c@2:1", "U/D=e@4:1"]),
            ("[U]\nA=b\\\n  c\n", ["U/A=b   c@2:1"]),
            ("[U]\nA=b \\\n# comment\n; another\n  c\nD=e\n", ["U/A=b    c@2:1", "U/D=e@6:1"]),
            ("[U]\nA=b \\\n# comment \\\nc\nD=e\n", ["U/A=b  c@2:1", "U/D=e@5:1"]),
            ("[U]\nA=b \\\n\nD=e\n", ["U/A=b@2:1", "U/D=e@4:1"]),
            ("[U]\nA=b \\\nC=d\nE=f\n", ["U/A=b  C=d@2:1", "U/E=f@4:1"]),
            ("[U]\nA=b \\\n[V]\nE=f\n", ["U/A=b  [V]@2:1", "U/E=f@4:1"]),
            ("[U]\nA=b\\\\\nC=d\n", ["U/A=b\\\\@2:1", "U/C=d@3:1"]),
            ("[U]\nA=b\\\\\\\nc\n", ["U/A=b\\\\ c@2:1"]),
            ("[U]\nA=b \\ \nC=d\n", ["U/A=b \\@2:1", "U/C=d@3:1"]),
            ("[U]\nA=b\\", ["U/A=b@2:1"]),
            ("[U]\nA=b\\\n", ["U/A=b@2:1"]),
            ("[U]\nA=b\\\r\nc\r\nD=e\r\n", ["U/A=b c@2:1", "U/D=e@4:1"]),
            ("[U]\nA\\\n=b\n", ["U/A=b@2:1"]),
            ("[U]\n\\\nA=b\n", ["U/A=b@2:1"]),
            ("[U]\n#A=b\\\nC=d\n", ["U/C=d@3:1"]),
        ] as [(String, [String])]
    )
    func continuations(_ text: String, _ expected: [String]) throws {
        #expect(try Self.options(text) == expected)
    }

    @Test(
        arguments: [
            ("[U]\r\nA=b\r\n\r\nC=d\r\n", ["U/A=b@2:1", "U/C=d@4:1"]),
            ("[U]\rA=b\rC=d\r", ["U/A=b@2:1", "U/C=d@3:1"]),
            ("[U]\n\rA=b\n\rC=d\n\r", ["U/A=b@2:1", "U/C=d@3:1"]),
            ("[U]\n\r\nA=b\n", ["U/A=b@3:1"]),
            ("[U]\r\r\nA=b\n", ["U/A=b@3:1"]),
            ("\u{FEFF}[U]\nA=b\n", ["U/A=b@2:1"]),
            ("\u{FEFF}# comment\n[U]\nA=b\n", ["U/A=b@3:1"]),
            ("[U]\n\u{FEFF}A=b\n", ["U/A=b@2:2"]),
        ] as [(String, [String])]
    )
    func lineEndsAndMarks(_ text: String, _ expected: [String]) throws {
        #expect(try Self.options(text) == expected)
    }

    @Test(arguments: [
        ("A=b\n", 1, 1, "before the first section"),
        ("\n  text\n[U]\n", 2, 3, "before the first section"),
        ("[U]\nA=b\n  oops\n", 3, 3, "not Key=Value"),
        ("[U]\nA=b\\\nc\noops\n", 4, 1, "not Key=Value"),
        ("[U]\n=b\n", 2, 1, "no key"),
        ("[U]\n   = b\n", 2, 4, "no key"),
        ("[U\nA=b\n", 1, 1, "does not end in ']'"),
        ("[U] x\nA=b\n", 1, 1, "does not end in ']'"),
        ("[\n", 1, 1, "does not end in ']'"),
        ("[U\"]\n", 1, 1, "a quote"),
        ("[U\\x]\n", 1, 1, "a backslash"),
        ("[U\u{1}]\n", 1, 1, "control character"),
        ("[U]\nA=b\u{0}c\n", 2, 4, "NUL"),
        ("\u{0}", 1, 1, "NUL"),
        ("[U]\r\näö\u{0}", 2, 3, "NUL"),
        ("[X-Notes]\nfree text\n", 2, 1, "not Key=Value"),
    ])
    func refusals(_ text: String, _ line: Int, _ column: Int, _ part: String) {
        let error = #expect(throws: UnitFileError.self) { try ParsedUnitFile.parse(text, path: "web.service") }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.description.hasPrefix("web.service:\(line):\(column): ") == true)
    }

    @Test(
        arguments: [
            ([0xFF], 1, 1),
            (Array("[U]\nA=".utf8) + [0xC3, 0x28], 2, 3),
            (Array("[U]\nÄ=".utf8) + [0xED, 0xA0, 0x80, 10], 2, 3),
            (Array("[U]\nA=b\n".utf8) + [0xE2, 0x82], 3, 1),
            (Array("[U]\r\n# ".utf8) + [0xC0, 0x80], 2, 3),
        ] as [([UInt8], Int, Int)]
    )
    func bytesThatAreNotUTF8(_ bytes: [UInt8], _ line: Int, _ column: Int) {
        let error = #expect(throws: UnitFileError.self) { try ParsedUnitFile.parse(bytes: bytes) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains("UTF-8") == true)
    }

    @Test func textIsKeptByteForByte() throws {
        let text = "# e\u{301} is not é\r\n\r\n[Unit]\nA = b \\\n # in between\n c\n;end"
        let file = try ParsedUnitFile.parse(text)
        #expect(Array(file.print().utf8) == Array(text.utf8))
        #expect(Array(try ParsedUnitFile.parse(bytes: Array(text.utf8)).text.utf8) == Array(text.utf8))
        #expect(file.hash == ContentHash(of: text))
        #expect(file.hash.description == (try ParsedUnitFile.parse(bytes: Array(text.utf8))).hash.description)
        #expect(try ParsedUnitFile.parse("[é]") != ParsedUnitFile.parse("[e\u{301}]"))
    }

    @Test func hashIsSHA256() throws {
        let hash = try ParsedUnitFile.parse("[Unit]\n").hash
        // printf '[Unit]\n' | sha256sum
        #expect(hash.description == "ae6c63cff33bcfa3b6a2d6d0c9dd19521dedaa351146b1a642d2bfc9cf5a1e1f")
    }

    @Test func errorsShowNoControlCharacters() {
        let error = #expect(throws: UnitFileError.self) {
            try ParsedUnitFile.parse("[U]\n\u{1B}[31mred\u{202E}\n", path: "a\u{7}.service")
        }
        #expect(error?.description.unicodeScalars.contains("\u{1B}") == false)
        #expect(error?.description.unicodeScalars.contains("\u{202E}") == false)
        #expect(error?.description.hasPrefix("a\\u{7}.service:2:1: '\\u{1b}[31mred\\u{202e}'") == true)
    }

    @Test(arguments: [
        (UnitFileError(path: "a", line: 3, column: 1, message: "m"), "a:3:1: m"),
        (UnitFileError(path: "a", line: 3, message: "m"), "a:3: m"),
        (UnitFileError(path: "a", message: "m"), "a: m"),
        (UnitFileError(line: 3, column: 1, message: "m"), "line 3:1: m"),
        (UnitFileError(message: "m"), "m"),
    ])
    func descriptions(_ error: UnitFileError, _ expected: String) {
        #expect(error.description == expected)
    }
}
