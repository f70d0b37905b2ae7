/// The escaping of systemd.unit(5), "String escaping for inclusion in unit names", byte for byte what systemd-escape(1)
/// does: `/` becomes `-`, and every byte that a name cannot have, and `-` and `\` themselves, become `\xHH`.
package enum UnitEscaping {
    /// `a/b-c` is `a-b\x2dc`.
    package static func escape(_ text: String) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count)
        for (index, byte) in text.utf8.enumerated() {
            if byte == slash {
                escaped.append(UInt8(ascii: "-"))
            } else if isPlain(byte), index > 0 || byte != UInt8(ascii: ".") {
                escaped.append(byte)
            } else {
                escaped += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// The inverse of `escape`. Throws for a `\` that begins no `\xHH`, and for bytes that are not UTF-8 or are NUL.
    package static func unescape(_ text: String) throws(UnitNameError) -> String {
        var plain: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "/"))
            case UInt8(ascii: "\\"):
                guard rest.popFirst() == UInt8(ascii: "x"), let high = rest.popFirst().flatMap(value),
                    let low = rest.popFirst().flatMap(value)
                else {
                    throw UnitNameError("'\(text.printable())' has a \\ that does not begin an escape like \\x2d")
                }
                plain.append(high << 4 | low)
            default: plain.append(byte)
            }
        }
        guard let result = String(validating: plain, as: UTF8.self), !plain.contains(0) else {
            throw UnitNameError("'\(text.printable())' stands for bytes that are not UTF-8 text")
        }
        return result
    }

    /// A path as a unit name's prefix or instance: `/var/lib/foo` is `var-lib-foo` and `/` is `-`. Empty and `.`
    /// components go; a path with `..` is refused.
    package static func escape(path: String) throws(UnitNameError) -> String {
        let components = path.utf8.split(separator: slash).map { Array($0) }.filter { $0 != [dot] }
        guard !components.contains([dot, dot]) else {
            throw UnitNameError("'\(path.printable())' has a '..' component; write the path without it")
        }
        guard !components.isEmpty else {
            guard path.isEmpty || path.utf8.first == slash else {
                throw UnitNameError("'\(path.printable())' is no path below a directory; write it in full")
            }
            return "-"
        }
        return escape(String(decoding: Array(components.joined(separator: [slash])), as: UTF8.self))
    }

    /// The inverse of `escape(path:)`, always an absolute path.
    package static func unescapePath(_ text: String) throws(UnitNameError) -> String {
        guard !text.isEmpty else { throw UnitNameError("an empty text is not an escaped path; '-' stands for /") }
        guard text != "-" else { return "/" }
        let plain = try unescape(text)
        let components = plain.utf8.split(separator: slash, omittingEmptySubsequences: false)
        let isNormal = components.allSatisfy { !$0.isEmpty && Array($0) != [dot] && Array($0) != [dot, dot] }
        guard isNormal else {
            throw UnitNameError("'\(text.printable())' is not an escaped path: '\(plain.printable())' is not normal")
        }
        return "/" + plain
    }

    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")
    private static let digits = Array("0123456789abcdef".utf8)

    /// What `escape` leaves alone: systemd's valid characters but `-` and `\`.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "_"), dot:
            true
        default: false
        }
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
