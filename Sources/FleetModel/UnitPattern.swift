import UnitFile

/// A shell pattern over unit names as Go's `path.Match` defines it, which fleet used: `*` any run of characters, `?`
/// one, `[a-z]` and `[^a-z]` classes, `\` quotes the next character. `*` and `?` do not match `/`, which no unit name
/// has.
package struct UnitPattern: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    /// nil for a malformed pattern.
    private let tokens: [Token]?

    /// Takes any text: a malformed pattern matches nothing, as in fleet.
    package init(_ description: String) {
        self.description = description
        tokens = Self.tokens(of: description)
    }

    /// Throws a `PatternError` where Go would return `ErrBadPattern`.
    package init(validating description: String) throws(PatternError) {
        self.init(description)
        guard tokens == nil else { return }
        throw PatternError(
            "'\(description.printable())' is not a pattern: a '[' needs its ']' with something between, "
                + "a range its end, and a '\\' a character to quote"
        )
    }

    /// The pattern that matches exactly `text`.
    package static func quoting(_ text: String) -> String {
        var quoted = ""
        for scalar in text.unicodeScalars {
            if "*?[\\".unicodeScalars.contains(scalar) { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted
    }

    /// A pattern in which the escapes of unit names (`\x2d`, systemd.unit(5)) stay what they are: to `path.Match` the
    /// backslash would quote the `x`, and the pattern would match no name that was meant.
    static func keepingEscapes(_ text: String) -> String {
        var kept: [UInt8] = []
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let isEscape =
                bytes[index...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "x")]) && index + 3 < bytes.count
                && isHexadecimal(bytes[index + 2]) && isHexadecimal(bytes[index + 3])
            if isEscape { kept.append(UInt8(ascii: "\\")) }
            // A quoted backslash takes the next byte with it, so that it begins no escape.
            let width = bytes[index] == UInt8(ascii: "\\") && index + 1 < bytes.count ? 2 : 1
            kept += bytes[index..<index + width]
            index += width
        }
        return String(decoding: kept, as: UTF8.self)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
    }

    /// Whether the whole of `name` matches. Takes at most `name` times `description` steps, whatever the pattern.
    package func matches(_ name: String) -> Bool {
        guard let tokens else { return false }
        // Planning asks for thousands of names, and most differ in their first letter.
        if case .exactly(let first) = tokens.first, name.unicodeScalars.first != first { return false }
        let scalars = Array(name.unicodeScalars)
        var token = 0
        var position = 0
        // Where to go on after a mismatch: behind the newest star, one scalar later than the last time.
        var retry: (token: Int, position: Int)?
        while true {
            if token < tokens.count, case .run = tokens[token] {
                retry = (token + 1, position)
                token += 1
                continue
            }
            if token == tokens.count, position == scalars.count { return true }
            if token < tokens.count, position < scalars.count, tokens[token].matches(scalars[position]) {
                token += 1
                position += 1
                continue
            }
            guard let last = retry, last.position < scalars.count, scalars[last.position] != "/" else { return false }
            retry = (last.token, last.position + 1)
            (token, position) = (last.token, last.position + 1)
        }
    }

    /// One step of a pattern.
    private enum Token: Sendable {
        case run
        case any
        case exactly(Unicode.Scalar)
        case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .run: false
            case .any: scalar != "/"
            case .exactly(let wanted): scalar == wanted
            case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    /// nil for a malformed pattern.
    private static func tokens(of pattern: String) -> [Token]? {
        var tokens: [Token] = []
        var rest = pattern.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": tokens.append(.run)
            case "?": tokens.append(.any)
            case "\\":
                guard let quoted = rest.popFirst() else { return nil }
                tokens.append(.exactly(quoted))
            case "[":
                guard let set = set(&rest) else { return nil }
                tokens.append(set)
            default: tokens.append(.exactly(scalar))
            }
        }
        return tokens
    }

    /// What follows a `[`. A range whose end is before its start matches nothing, as in Go.
    private static func set(_ rest: inout Substring.UnicodeScalarView) -> Token? {
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var isEmpty = true
        while true {
            if rest.first == "]", !isEmpty {
                rest.removeFirst()
                return .oneOf(ranges, isNegated: isNegated)
            }
            guard let low = member(&rest) else { return nil }
            var high = low
            if rest.first == "-" {
                rest.removeFirst()
                guard let end = member(&rest) else { return nil }
                high = end
            }
            if low <= high { ranges.append(low...high) }
            isEmpty = false
        }
    }

    private static func member(_ rest: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
        guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
        return scalar == "\\" ? rest.popFirst() : scalar
    }

    package static func == (left: UnitPattern, right: UnitPattern) -> Bool { left.description == right.description }

    package func hash(into hasher: inout Hasher) { hasher.combine(description) }

    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a text is not a pattern.
package struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
