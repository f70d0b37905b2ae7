/// Where a member of an etcd cluster listens for clients, as `etcd_servers` gives it: `https://etcd1.example:2379`.
package struct EtcdEndpoint: Hashable, Sendable, CustomStringConvertible {
    package let usesTLS: Bool
    /// A name or an address; an IPv6 address without brackets.
    package let host: String
    package let port: Int

    /// The port etcd's clients use unless told otherwise.
    package static let defaultPort = 2379

    package init(usesTLS: Bool, host: String, port: Int) {
        self.usesTLS = usesTLS
        self.host = host
        self.port = port
    }

    /// nil unless `text` is `http://HOST[:PORT]` or `https://HOST[:PORT]`, with nothing but `/` behind it.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        if text.hasPrefix("https://") {
            usesTLS = true
        } else if text.hasPrefix("http://") {
            usesTLS = false
        } else {
            return nil
        }
        var rest = text.dropFirst(usesTLS ? 8 : 7)
        if rest.last == "/" { rest.removeLast() }
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            guard host.utf8.allSatisfy(Self.isOfIPv6), host.contains(":") else { return nil }
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
            guard host.utf8.allSatisfy(Self.isOfName) else { return nil }
        }
        guard !host.isEmpty else { return nil }
        guard !rest.isEmpty else {
            port = Self.defaultPort
            return
        }
        guard rest.first == ":", let number = Int(rest.dropFirst()), (1...65_535).contains(number) else { return nil }
        port = number
    }

    package var description: String {
        let shownHost = host.contains(":") ? "[\(host)]" : host
        return "\(usesTLS ? "https" : "http")://\(shownHost):\(port)"
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 32) || byte == 45 || byte == 46 || byte == 95
    }

    private static func isOfIPv6(_ byte: UInt8) -> Bool {
        (48...58).contains(byte) || (97...102).contains(byte | 32) || byte == 46
    }
}
