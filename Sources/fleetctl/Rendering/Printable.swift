/// Text of units and machines that goes to a terminal.
enum Printable {
    /// The text without control characters: a unit's output must not be able to steer the reader's terminal.
    static func line(_ text: String, keepingTabs: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        let shown = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            isControl(scalar) && !(keepingTabs && scalar == "\t") ? "?" : scalar
        }
        return String(String.UnicodeScalarView(shown))
    }

    /// The lines of a message that may have several.
    static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line(String($0), keepingTabs: true) }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 32 || (127...159).contains(scalar.value)
    }
}
