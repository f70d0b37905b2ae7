import Crypto

/// SHA-256 (FIPS 180-4) of a unit file's bytes, written as 64 lower-case hexadecimal digits. Kept as a number: every
/// unit, assignment and status has one.
package struct ContentHash: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The digest, eight bytes at a time, the first ones in the highest place.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The hash of `text` as it is stored, byte for byte.
    package init(of text: String) {
        var function = SHA256()
        var text = text
        text.withUTF8 { function.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        self.init(digest: Array(function.finalize()))
    }

    /// The hash of `bytes`.
    package init(of bytes: [UInt8]) {
        self.init(digest: Array(SHA256.hash(data: bytes)))
    }

    private init(digest bytes: [UInt8]) {
        words = (
            UInt64(bigEndianBytes: bytes[0..<8]), UInt64(bigEndianBytes: bytes[8..<16]),
            UInt64(bigEndianBytes: bytes[16..<24]), UInt64(bigEndianBytes: bytes[24..<32])
        )
    }

    /// nil unless `text` is 64 lower-case hexadecimal digits.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 64,
            let first = UInt64(hexadecimal: digits[0..<16]), let second = UInt64(hexadecimal: digits[16..<32]),
            let third = UInt64(hexadecimal: digits[32..<48]), let fourth = UInt64(hexadecimal: digits[48..<64])
        else { return nil }
        words = (first, second, third, fourth)
    }

    package var description: String {
        words.0.hexadecimal + words.1.hexadecimal + words.2.hexadecimal + words.3.hexadecimal
    }

    /// The first seven digits, as fleet's tables show a hash.
    package var short: String { String(description.prefix(7)) }

    package static func == (left: ContentHash, right: ContentHash) -> Bool { left.words == right.words }
    package static func < (left: ContentHash, right: ContentHash) -> Bool { left.words < right.words }

    package func hash(into hasher: inout Hasher) {
        // Every bit of a digest is as good as any other.
        hasher.combine(words.0)
    }
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
