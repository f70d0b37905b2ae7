/// What the `[Install]` section of a unit file says, as far as installing it needs to know before systemd reads it.
struct InstallSection: Hashable, Sendable {
    /// There is an `[Install]` section, so the unit is to be enabled.
    var isPresent = false
    /// `Alias=`: further names that enabling would give to the unit.
    var aliases: [String] = []

    /// Follows systemd.syntax(7): comments, continuation lines, an empty assignment that resets.
    init(of text: String) {
        var isInside = false
        for line in Self.logicalLines(text) {
            if line.hasPrefix("[") {
                isInside = line == "[Install]"
                isPresent = isPresent || isInside
            } else if isInside, let equals = line.firstIndex(of: "=") {
                guard line[..<equals].allSatisfyWord("Alias") else { continue }
                let words = line[line.index(after: equals)...].split { $0 == " " || $0 == "\t" }
                aliases = words.isEmpty ? [] : aliases + words.map(String.init)
            }
        }
    }

    private static func logicalLines(_ text: String) -> [String] {
        var lines: [String] = []
        var open = ""
        for raw in text.split(whereSeparator: \.isNewline) {
            let line = raw.trimmed
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasSuffix("\\") {
                open += line.dropLast() + " "
            } else {
                lines.append(open + line)
                open = ""
            }
        }
        if !open.isEmpty { lines.append(open) }
        return lines
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return String(self[first...last])
    }

    fileprivate func allSatisfyWord(_ word: String) -> Bool { trimmed == word }
}
