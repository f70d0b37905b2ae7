import Crypto

/// SHA-256 (FIPS 180-4) of a unit file's bytes, 64 lower-case hexadecimal digits.
package struct ContentHash: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    /// The hash of `text` as it is stored, byte for byte.
    package init(of text: String) {
        var function = SHA256()
        var text = text
        text.withUTF8 { function.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        let digits = Array("0123456789abcdef".utf8)
        let bytes = function.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        description = String(decoding: bytes, as: UTF8.self)
    }

    /// nil unless `text` is 64 lower-case hexadecimal digits.
    package init?(_ text: String) {
        let isHexadecimal = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard text.utf8.count == 64, isHexadecimal else { return nil }
        description = text
    }

    /// The first seven digits, as fleet's tables show a hash.
    package var short: String { String(description.prefix(7)) }

    package static func < (left: ContentHash, right: ContentHash) -> Bool { left.description < right.description }
}

extension ParsedUnitFile {
    /// Identifies the file's content in the registry: two units with equal bytes share one stored file.
    package var hash: ContentHash { ContentHash(of: text) }
}

extension ContentHash: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let hash = ContentHash(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not a SHA-256")
            )
        }
        self = hash
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
