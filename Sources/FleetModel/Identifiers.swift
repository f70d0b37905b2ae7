/// A machine's identity: the 128-bit id of machine-id(5), 32 lower-case hexadecimal digits.
package struct MachineID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    /// nil unless `text` is exactly 32 lower-case hexadecimal digits.
    package init?(_ text: String) {
        let isHexadecimal = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard text.utf8.count == 32, isHexadecimal else { return nil }
        description = text
    }

    /// The first eight digits, as fleet's tables show a machine.
    package var short: String { String(description.prefix(8)) }

    package static func < (left: MachineID, right: MachineID) -> Bool { left.description < right.description }
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
