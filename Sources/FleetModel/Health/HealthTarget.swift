import UnitFile

/// Where a check over the network goes.
package struct HealthTarget: Hashable, Sendable {
    /// A name or an address; one of IPv6 without its brackets.
    package var host: String
    package var port: Int
    /// Path and query of a request; empty for a plain connection.
    package var path: String

    /// `http://HOST[:PORT][/PATH]`, or `[:]PORT[/PATH]` on this machine.
    package init(http text: String) throws(HealthTargetError) {
        let wayOut = "write http://HOST:PORT/PATH, or :8080/healthz for a port of this machine"
        var rest = text[...]
        var standardPort: Int?
        if let scheme = text.range(of: "://") {
            switch text[..<scheme.lowerBound].lowercased() {
            case "http": standardPort = 80
            case "https":
                throw HealthTargetError("https is not spoken here; use HealthCmd=curl --fail --silent \(text)")
            default: throw HealthTargetError("'\(text.printable())' is not a URL of http; \(wayOut)")
            }
            rest = text[scheme.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest[authority.endIndex...]
        let isPlain = path.utf8.allSatisfy { (33...126).contains($0) && $0 != UInt8(ascii: "#") }
        guard isPlain, path.isEmpty || path.hasPrefix("/") else {
            throw HealthTargetError(
                "'\(path.description.printable())' is no path of a request; it begins in / and has no spaces or #"
            )
        }
        (host, port) = try Self.split(authority, standardPort: standardPort, wayOut)
        self.path = path.isEmpty ? "/" : String(path)
    }

    /// `[HOST:]PORT`.
    package init(tcp text: String) throws(HealthTargetError) {
        (host, port) = try Self.split(text[...], standardPort: nil, "write PORT or HOST:PORT")
        path = ""
    }

    /// As `HealthTCP=` has it.
    package var address: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// As `HealthHTTP=` has it.
    package var url: String { "http://\(address)\(path)" }

    private static let thisMachine = "127.0.0.1"

    private static func split(
        _ text: Substring,
        standardPort: Int?,
        _ wayOut: String
    ) throws(HealthTargetError) -> (host: String, port: Int) {
        var host = text
        var digits: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw HealthTargetError("'\(text.description.printable())' has no ]; \(wayOut)")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || rest.first == ":", host.utf8.allSatisfy(isIPv6) else {
                throw HealthTargetError("'\(text.description.printable())' is not an address; \(wayOut)")
            }
            digits = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            (host, digits) = (text[..<colon], text[text.index(after: colon)...])
        } else if standardPort == nil {
            // A lone number is a port; a lone name lacks one.
            (host, digits) = text.utf8.allSatisfy(isDigit) ? ("", text) : (text, nil)
        }
        let isBracketed = text.first == "["
        guard isBracketed || host.utf8.allSatisfy(isNamePart) else {
            throw HealthTargetError("'\(host.description.printable())' is not the name of a host; \(wayOut)")
        }
        guard let digits else {
            guard let standardPort, !host.isEmpty else {
                throw HealthTargetError("'\(text.description.printable())' has no port; \(wayOut)")
            }
            return (String(host), standardPort)
        }
        guard digits.utf8.allSatisfy(isDigit), let port = Int(digits), (1...65535).contains(port) else {
            throw HealthTargetError("'\(digits.description.printable())' is not a port from 1 to 65535; \(wayOut)")
        }
        return (host.isEmpty ? thisMachine : String(host), port)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 32) }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte) || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
    }

    private static func isIPv6(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 32)
            || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }
}

/// What is wrong with a target, with the way out; a sentence without a full stop.
package struct HealthTargetError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}

extension String {
    /// The first place of `part`, without Foundation.
    fileprivate func range(of part: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
