/// The rules applied to one file.
enum Checks {
    static let all: [(name: String, check: @Sendable (SourceText) -> [Finding])] = [
        ("sizes", sizes),
        ("imports point inward", imports),
        ("ring 1 is pure", purity),
        ("words", words),
        ("code nobody writes", bannedCode),
        ("proofs", proofs),
        ("force unwraps", forceUnwraps),
        ("sleeps in tests", sleeps),
        ("notes", notes),
    ]

    static func sizes(_ file: SourceText) -> [Finding] {
        var found: [Finding] = []
        if !file.endsInNewline {
            found.append(
                Finding(path: file.path, line: file.lines.count, message: "the file ends without a line break")
            )
        }
        if file.lines.count > Rules.fileLines {
            let message = "\(file.lines.count) lines, \(Rules.fileLines) at most: split by type or by aspect"
            found.append(Finding(path: file.path, line: Rules.fileLines, message: message))
        }
        for (index, line) in file.lines.enumerated() where line.raw.count > Rules.columns {
            // The formatter cannot break a string: such a line is long for its text, not for its code.
            let code = line.code.filter { !$0.isWhitespace && $0 != "\"" }
            if line.comment.isEmpty, code.count < Rules.columns / 2 { continue }
            let message = "\(line.raw.count) columns, \(Rules.columns) at most"
            found.append(Finding(path: file.path, line: index + 1, message: message))
        }
        for function in functions(of: file) where function.length > Rules.functionLines {
            let message = "a function of \(function.length) lines, \(Rules.functionLines) at most: name its parts"
            found.append(Finding(path: file.path, line: function.line, message: message))
        }
        return found
    }

    /// Functions and initialisers with a body: first line, and lines up to the closing brace.
    static func functions(of file: SourceText) -> [(line: Int, length: Int)] {
        var open: [(line: Int, depth: Int)] = []
        var pending: Int?
        var depth = 0
        var found: [(line: Int, length: Int)] = []
        for (index, line) in file.lines.enumerated() {
            let names = SourceText.identifiers(in: line.code)
            if names.contains("func")
                || (names.contains("init") && line.code.contains("{") && !line.code.contains(".init"))
            {
                pending = index
            }
            for character in line.code {
                if character == "{" {
                    depth += 1
                    if let start = pending {
                        open.append((start, depth))
                        pending = nil
                    }
                } else if character == "}" {
                    if let last = open.last, last.depth == depth {
                        found.append((last.line + 1, index - last.line + 1))
                        open.removeLast()
                    }
                    depth -= 1
                }
            }
        }
        return found
    }

    static func imports(_ file: SourceText) -> [Finding] {
        guard !file.isTest else { return [] }
        var found: [Finding] = []
        for (module, line) in file.imports {
            if let instead = Rules.bannedImports[module] {
                found.append(Finding(path: file.path, line: line, message: "import \(instead)"))
            }
            guard let ring = Rules.ring(of: file.module) else { continue }
            if let other = Rules.ring(of: module) {
                if other > ring {
                    let message =
                        "\(file.module) (ring \(ring)) imports \(module) (ring \(other)): arrows point inward only"
                    found.append(Finding(path: file.path, line: line, message: message))
                }
            } else if let allowed = Rules.outsideImports[ring] {
                let own = Rules.outsideImportsOfModule[file.module] ?? []
                if !allowed.contains(module) && !own.contains(module) {
                    let message = "\(file.module) (ring \(ring)) imports \(module): make it an argument or a port"
                    found.append(Finding(path: file.path, line: line, message: message))
                }
            }
        }
        return found
    }

    static func purity(_ file: SourceText) -> [Finding] {
        guard Rules.ring(of: file.module) == 1, !file.isTest else { return [] }
        return file.lines.enumerated().flatMap { index, line in
            SourceText.identifiers(in: line.code).compactMap { name in
                guard let instead = Rules.bannedInRing1[String(name)] else { return nil }
                let before = line.code[..<name.startIndex]
                let isMember = before.hasSuffix(".") || before.hasSuffix("func ")
                if isMember && Rules.bannedAsFunctions.contains(String(name)) { return nil }
                return Finding(path: file.path, line: index + 1, message: "`\(name)` in ring 1: \(instead)")
            }
        }
    }

    static func words(_ file: SourceText) -> [Finding] {
        let module = file.testedModule
        var found: [Finding] = []
        for (index, line) in file.lines.enumerated() {
            for name in SourceText.identifiers(in: line.code) {
                for word in SourceText.words(of: name) {
                    guard let rule = rule(for: word), !rule.allowedIn.contains(module) else { continue }
                    if rule.identifiers.contains(where: name.contains) { continue }
                    let message = "`\(name)`: say \(rule.instead)"
                    found.append(Finding(path: file.path, line: index + 1, message: message))
                }
            }
            for word in SourceText.words(of: line.comment) {
                guard let rule = rule(for: word), !rule.allowedIn.contains(module) else { continue }
                if (rule.phrases + rule.identifiers).contains(where: line.comment.contains) { continue }
                found.append(Finding(path: file.path, line: index + 1, message: "\"\(word)\": say \(rule.instead)"))
            }
        }
        return found
    }

    private static func rule(for word: String) -> Rules.Word? {
        Rules.words[word] ?? (word.hasSuffix("s") ? Rules.words[String(word.dropLast())] : nil)
    }

    static func bannedCode(_ file: SourceText) -> [Finding] {
        file.lines.enumerated().flatMap { index, line in
            Rules.bannedCode.filter { line.code.contains($0.key) }.sorted { $0.key < $1.key }.map { code, instead in
                Finding(path: file.path, line: index + 1, message: "`\(code)`: \(instead)")
            }
        }
    }

    static func proofs(_ file: SourceText) -> [Finding] {
        file.lines.enumerated().flatMap { index, line in
            Rules.needsProof.filter(line.code.contains).compactMap { code in
                let above = index > 0 ? file.lines[index - 1].comment : ""
                if !above.isEmpty || !line.comment.isEmpty { return nil }
                let message = "`\(code)` without a comment right above that proves it"
                return Finding(path: file.path, line: index + 1, message: message)
            }
        }
    }

    /// `x!`, `x()!`, `x[0]!`, `X!`, and nothing that has `!` for "not".
    static func forceUnwraps(_ file: SourceText) -> [Finding] {
        var found: [Finding] = []
        for (index, line) in file.lines.enumerated() {
            var previous: Character = " "
            var beforePrevious: Character = " "
            for character in line.code + " " {
                let follows = beforePrevious.isLetter || beforePrevious.isNumber || "_)]}".contains(beforePrevious)
                if previous == "!", follows, character != "=" {
                    let message = "a forced unwrap: bind it, or trap with a message that has the state in it"
                    found.append(Finding(path: file.path, line: index + 1, message: message))
                }
                beforePrevious = previous
                previous = character
            }
        }
        return found
    }

    static func sleeps(_ file: SourceText) -> [Finding] {
        guard file.isTest, !file.path.hasSuffix("/Eventually.swift"), file.module != "TidyTests" else { return [] }
        return file.lines.enumerated().flatMap { index, line -> [Finding] in
            if index > 0, file.lines[index - 1].comment.contains(Rules.sleepExcuse) { return [] }
            return Rules.sleeps.filter(line.code.contains).prefix(1).map { code in
                let message = "`\(code)`: wait for a state with a deadline, time alone proves nothing"
                return Finding(path: file.path, line: index + 1, message: message)
            }
        }
    }

    static func notes(_ file: SourceText) -> [Finding] {
        file.lines.enumerated().flatMap { index, line in
            SourceText.identifiers(in: line.comment).filter { Rules.notes.contains(String($0)) }.map { note in
                Finding(path: file.path, line: index + 1, message: "\(note): do it, or put it into the issue list")
            }
        }
    }
}
