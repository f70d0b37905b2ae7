/// Why a unit file is refused, where, and the way out. Its description reads `web.service:3:1: message`, which editors
/// and terminals turn into a link.
package struct UnitFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file as the user named it, or the unit's name; nil when there is only a text.
    package var path: String?
    /// 1-based line; 0 when the file as a whole is meant.
    package var line: Int
    /// 1-based column in Unicode scalars; 0 when the line, or the file, as a whole is meant.
    package var column: Int
    /// What is wrong and what to do about it; one or two sentences without a final full stop. Printable and of bounded
    /// length, whatever of the file it quotes.
    package let message: String

    package init(path: String? = nil, line: Int = 0, column: Int = 0, message: String) {
        self.path = path
        self.line = line
        self.column = column
        self.message = message.printable(limit: 600)
    }

    package var description: String {
        var place = path.map { [$0.printable()] } ?? []
        if line > 0 { place.append(path == nil ? "line \(line)" : String(line)) }
        if line > 0, column > 0 { place.append(String(column)) }
        return place.isEmpty ? message : place.joined(separator: ":") + ": " + message
    }
}

extension String {
    /// The text with control characters and invisible marks as escapes, and cut to `limit` scalars: what a message may
    /// show of input that somebody else wrote, on a terminal that obeys escape sequences.
    package func printable(limit: Int = 120) -> String {
        var shown = ""
        for (count, scalar) in unicodeScalars.enumerated() {
            guard count < limit else { return shown + "..." }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
