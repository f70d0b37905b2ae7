/// One Swift file, split into what the compiler reads and what people read, line by line.
///
/// A small lexer, not a parser: it knows comments, strings and nothing else, which is all that the rules need.
struct SourceText {
    struct Line {
        /// The line as it is.
        var raw: Substring
        /// The line with comments removed and string contents blanked.
        var code = ""
        /// What stands in comments on this line.
        var comment = ""
    }

    /// Path from the top of the repository.
    let path: String
    let endsInNewline: Bool
    private(set) var lines: [Line]

    /// The target a file belongs to: the folder under `Sources` or `Tests`.
    var module: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : path
    }

    /// The target whose words hold here: for a test, the one it tests, whatever its case.
    var testedModule: String {
        guard module.hasSuffix("Tests") else { return module }
        let name = module.dropLast("Tests".count)
        return Rules.rings.values.joined().first { $0.lowercased() == name.lowercased() } ?? module
    }

    var isTest: Bool { path.hasPrefix("Tests/") }

    /// Generated files say so in their first lines, and follow their generator's rules.
    var isGenerated: Bool { lines.prefix(10).contains { $0.raw.contains("DO NOT EDIT") } }

    /// Modules this file imports, with line numbers.
    var imports: [(module: String, line: Int)] {
        lines.enumerated().compactMap { index, line in
            let words = line.code.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { return nil }
            // `import struct Module.Type`
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let name =
                kinds.contains(words[keyword + 1]) && keyword + 2 < words.count
                ? words[keyword + 2] : words[keyword + 1]
            return (name.split(separator: ".").first.map(String.init) ?? "", index + 1)
        }
    }

    init(path: String, text: String) {
        self.path = path
        endsInNewline = text.isEmpty || text.hasSuffix("\n")
        var lexer = SourceLexer()
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { lexer.read($0) }
        if endsInNewline, !lines.isEmpty { lines.removeLast() }
    }

    /// The words of a piece of code: `submitUnit(name:)` has `submitUnit` and `name`.
    static func identifiers(in code: String) -> [Substring] {
        code.split { !($0.isLetter || $0.isNumber || $0 == "_") }
    }

    /// The words of an identifier or of a sentence, in lower case: `unitFiles` has `unit` and `files`.
    static func words(of text: some StringProtocol) -> [String] {
        var words: [String] = []
        var word = ""
        var previous: Character = " "
        for character in text {
            let startsWord = character.isUppercase && !previous.isUppercase
            if startsWord || !character.isLetter {
                if !word.isEmpty { words.append(word) }
                word = ""
            }
            if character.isLetter { word += character.lowercased() }
            previous = character
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}

/// Where a line starts: inside a block comment, inside a long string, or in code.
private struct SourceLexer {
    private var commentDepth = 0
    /// The number of `#` of the multi-line string we are in.
    private var longString: Int?

    mutating func read(_ raw: Substring) -> SourceText.Line {
        var line = SourceText.Line(raw: raw)
        var rest = raw
        while !rest.isEmpty {
            if commentDepth > 0 {
                readBlockComment(&rest, into: &line)
            } else if let hashes = longString {
                readLongString(&rest, hashes: hashes)
            } else {
                readCode(&rest, into: &line)
            }
        }
        return line
    }

    private mutating func readBlockComment(_ rest: inout Substring, into line: inout SourceText.Line) {
        if rest.hasPrefix("*/") {
            commentDepth -= 1
            rest.removeFirst(2)
        } else if rest.hasPrefix("/*") {
            commentDepth += 1
            rest.removeFirst(2)
        } else {
            line.comment.append(rest.removeFirst())
        }
    }

    private mutating func readLongString(_ rest: inout Substring, hashes: Int) {
        let end = "\"\"\"" + String(repeating: "#", count: hashes)
        if hashes == 0, rest.hasPrefix("\\") {
            rest.removeFirst(min(2, rest.count))
        } else if rest.hasPrefix(end) {
            longString = nil
            rest.removeFirst(end.count)
        } else {
            rest.removeFirst()
        }
    }

    private mutating func readCode(_ rest: inout Substring, into line: inout SourceText.Line) {
        if rest.hasPrefix("//") {
            line.comment += rest.drop { $0 == "/" }
            rest = ""
            return
        }
        if rest.hasPrefix("/*") {
            commentDepth += 1
            rest.removeFirst(2)
            return
        }
        let hashes = rest.prefix { $0 == "#" }.count
        let afterHashes = rest.dropFirst(hashes)
        if afterHashes.hasPrefix("\"\"\"") {
            line.code += "\"\""
            rest = afterHashes.dropFirst(3)
            longString = hashes
        } else if afterHashes.hasPrefix("\"") {
            line.code += "\"\""
            rest = afterHashes.dropFirst()
            readShortString(&rest, hashes: hashes)
        } else {
            line.code.append(rest.removeFirst())
        }
    }

    private func readShortString(_ rest: inout Substring, hashes: Int) {
        let end = "\"" + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        while !rest.isEmpty {
            if rest.hasPrefix(escape + "(") {
                rest.removeFirst(escape.count)
                skipInterpolation(&rest)
            } else if rest.hasPrefix(escape) {
                rest.removeFirst(min(escape.count + 1, rest.count))
            } else if rest.hasPrefix(end) {
                rest.removeFirst(end.count)
                return
            } else {
                rest.removeFirst()
            }
        }
    }

    /// Skips `(...)`, which may hold strings of its own.
    private func skipInterpolation(_ rest: inout Substring) {
        var depth = 0
        while let character = rest.first {
            rest.removeFirst()
            switch character {
            case "(": depth += 1
            case ")":
                depth -= 1
                if depth == 0 { return }
            case "\"": readShortString(&rest, hashes: 0)
            default: break
            }
        }
    }
}
