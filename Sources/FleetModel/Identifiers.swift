import UnitFile

/// A machine's identity: the 128-bit id of machine-id(5), written as 32 lower-case hexadecimal digits.
package struct MachineID: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// nil unless `text` is exactly 32 lower-case hexadecimal digits.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32, let high = UInt64(hexadecimal: digits[0..<16]),
            let low = UInt64(hexadecimal: digits[16..<32])
        else { return nil }
        (self.high, self.low) = (high, low)
    }

    private init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// The id that no machine has (machine-id(5)).
    package static let nobody = MachineID(high: 0, low: 0)

    package var description: String { high.hexadecimal + low.hexadecimal }

    /// The first eight digits, as fleet's tables show a machine.
    package var short: String { String(high.hexadecimal.prefix(8)) }

    /// The number that `short` shows.
    var firstWord: UInt32 { UInt32(high >> 32) }

    package static func < (left: MachineID, right: MachineID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// The registry's own counter: every committed transaction has a larger one. 0 means "before everything".
package struct Revision: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let number: Int64

    package init(_ number: Int64) { self.number = number }

    package static let zero = Revision(0)
    package static func < (left: Revision, right: Revision) -> Bool { left.number < right.number }
    package var next: Revision { Revision(number + 1) }
    package var description: String { String(number) }

    package init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

/// Identity of one leadership: the revision at which the leadership key was created. Every write of an engine compares
/// it, so a leader that was paused and superseded changes nothing.
package typealias Epoch = Revision

/// Counts the intent of one unit: every accepted change of its file or its target state makes a larger one.
package typealias Generation = Int64

extension MachineID: Codable, CodingKeyRepresentable {
    package var codingKey: any CodingKey { Name(stringValue: description) }

    package init?<T: CodingKey>(codingKey: T) {
        self.init(codingKey.stringValue)
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = MachineID(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not a machine id")
            )
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
