/// The path and query of a request, taken apart before anything is decoded, so that an encoded slash or dot never
/// changes which resource is meant. Nothing is normalized: `..`, an empty segment or a trailing slash simply matches no
/// route.
struct RequestTarget: Hashable, Sendable {
    /// What is between the slashes, percent-decoded.
    let segments: [String]
    /// In their order; a key may occur more than once.
    let query: [(key: String, value: String)]

    /// nil when the text is not an absolute path in correct percent-encoding of UTF-8 (RFC 3986).
    init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        for part in parts[0].dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = Self.decode(part, plusIsSpace: false) else { return nil }
            segments.append(segment)
        }
        self.segments = segments
        guard parts.count == 2 else {
            query = []
            return
        }
        var query: [(String, String)] = []
        for pair in parts[1].split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = Self.decode(sides[0], plusIsSpace: true),
                let value = sides.count == 2 ? Self.decode(sides[1], plusIsSpace: true) : ""
            else { return nil }
            query.append((key, value))
        }
        self.query = query
    }

    /// Every value of `key`.
    func values(of key: String) -> [String] {
        query.filter { $0.key == key }.map(\.value)
    }

    private static func decode(_ bytes: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: decoded.append(0x20)
            default: decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }

    static func == (left: RequestTarget, right: RequestTarget) -> Bool {
        left.segments == right.segments && left.query.elementsEqual(right.query, by: ==)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(segments) }
}
