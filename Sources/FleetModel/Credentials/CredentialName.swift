/// The name of a config or secret: it is a key of the registry and an argument of systemd's `LoadCredential=`, so it
/// has letters, digits, dots, dashes and underscores only.
package struct CredentialName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    /// What a unit has the login of `RegistryAuth=` under.
    package static let registryAuth = CredentialName(known: "fleet.registry-auth")

    /// systemd keeps a credential as a file of its name.
    private static let maximumBytes = 255

    /// What a name has to be, for messages.
    package static let rule = "a name has 1 to 255 letters, digits, dots, dashes and underscores, and no dot in front"

    /// nil for what is no name.
    package init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.maximumBytes).contains(bytes.count), bytes.first != UInt8(ascii: "."),
            bytes.allSatisfy(Self.isAllowed)
        else { return nil }
        description = String(text)
    }

    private init(known text: String) { description = text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    package static func < (left: CredentialName, right: CredentialName) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

extension CredentialName: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let name = CredentialName(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not a name: \(Self.rule)")
            )
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
