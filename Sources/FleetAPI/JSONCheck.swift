/// A strict look at a JSON text (RFC 8259) before a decoder gets it: the grammar, UTF-8, no key twice in one object,
/// and no deeper nesting than any of our values has. Decoders disagree on all of these, and what two parties read
/// differently is a hole.
package struct JSONCheck {
    /// Our deepest value has five levels.
    package static let maximumDepth = 16

    /// nil when `bytes` are one JSON value, otherwise what is wrong and at which byte.
    package static func problem(in bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty else { return "the body is empty, expected JSON" }
        guard String(validating: bytes, as: UTF8.self) != nil else { return "the body is not UTF-8" }
        var check = JSONCheck(bytes: bytes)
        do throws(Problem) {
            check.skipSpace()
            try check.value(depth: 0)
            check.skipSpace()
            guard check.at == bytes.count else { throw Problem(message: "more follows the JSON value") }
            return nil
        } catch {
            return "invalid JSON at byte \(check.at): \(error.message)"
        }
    }

    private struct Problem: Error { var message: String }

    private let bytes: [UInt8]
    private var at = 0

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0a).contains(byte) || byte == 0x0d { at += 1 }
    }

    private mutating func take(_ byte: UInt8, _ expected: String) throws(Problem) {
        guard next == byte else { throw Problem(message: "expected \(expected)") }
        at += 1
    }

    private mutating func value(depth: Int) throws(Problem) {
        guard depth < Self.maximumDepth else {
            throw Problem(message: "nested deeper than \(Self.maximumDepth) levels")
        }
        switch next {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try number()
        }
    }

    private mutating func object(depth: Int) throws(Problem) {
        at += 1
        skipSpace()
        var keys: Set<[UInt8]> = []
        if next == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            let key = try string()
            guard keys.insert(key).inserted else {
                throw Problem(message: "the key \"\(String(decoding: key.prefix(64), as: UTF8.self))\" is given twice")
            }
            skipSpace()
            try take(UInt8(ascii: ":"), "\":\"")
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
            if next == UInt8(ascii: ",") {
                at += 1
                skipSpace()
                continue
            }
            return try take(UInt8(ascii: "}"), "\",\" or \"}\"")
        }
    }

    private mutating func array(depth: Int) throws(Problem) {
        at += 1
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return
        }
        while true {
            try value(depth: depth + 1)
            skipSpace()
            if next == UInt8(ascii: ",") {
                at += 1
                skipSpace()
                continue
            }
            return try take(UInt8(ascii: "]"), "\",\" or \"]\"")
        }
    }

    /// The string with its escapes resolved, so that `"\u0061"` and `"a"` are the same key.
    private mutating func string() throws(Problem) -> [UInt8] {
        try take(UInt8(ascii: "\""), "a string")
        var resolved: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return resolved
            case UInt8(ascii: "\\"): resolved += try escape()
            case 0..<0x20: throw Problem(message: "a control character in a string")
            default: resolved.append(byte)
            }
        }
        throw Problem(message: "the string does not end")
    }

    private mutating func escape() throws(Problem) -> [UInt8] {
        guard let byte = next else { throw Problem(message: "the string does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"):
            let first = try codeUnit()
            var units = [first]
            if UTF16.isLeadSurrogate(first) {
                guard next == UInt8(ascii: "\\") else { throw Problem(message: "half a surrogate pair") }
                at += 1
                try take(UInt8(ascii: "u"), "\"u\"")
                units.append(try codeUnit())
            }
            guard let text = String(validating: units, as: UTF16.self) else {
                throw Problem(message: "half a surrogate pair")
            }
            return Array(text.utf8)
        default: throw Problem(message: "an unknown escape")
        }
    }

    private mutating func codeUnit() throws(Problem) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw Problem(message: "expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            at += 1
        }
        return unit
    }

    private mutating func literal(_ text: String) throws(Problem) {
        for byte in text.utf8 { try take(byte, "\"\(text)\"") }
    }

    private mutating func number() throws(Problem) {
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") {
            at += 1
        } else {
            try digits("a JSON value")
        }
        if next == UInt8(ascii: ".") {
            at += 1
            try digits("a digit")
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits("a digit")
        }
    }

    private mutating func digits(_ expected: String) throws(Problem) {
        let start = at
        while let byte = next, (48...57).contains(byte) { at += 1 }
        guard at > start else { throw Problem(message: "expected \(expected)") }
    }
}
