import UnitFile

/// Names a key that seals secrets: the first eight hexadecimal digits of the SHA-256 of its bytes, so that a key cannot
/// be taken for another one, and the name tells nothing about it.
package struct SecretKeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    /// Of a key of AES-256.
    package static let keyBytes = 32
    private static let digits = 8

    package init(ofKey key: [UInt8]) {
        description = String(ContentHash(of: key).description.prefix(Self.digits))
    }

    /// nil unless `text` is eight lower-case hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        let isHexadecimal = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard text.utf8.count == Self.digits, isHexadecimal else { return nil }
        description = String(text)
    }

    package static func < (left: SecretKeyID, right: SecretKeyID) -> Bool { left.description < right.description }
}

extension SecretKeyID: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = SecretKeyID(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not the id of a key")
            )
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
