/// A name that is written as its text, in values and as a key of them, and checked when it is read.
package protocol NameInText: Codable, CodingKeyRepresentable, CustomStringConvertible {
    init(_ text: String) throws(UnitNameError)
}

extension NameInText {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do throws(UnitNameError) {
            self = try Self(text)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: error.description)
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var codingKey: any CodingKey { TextKey(stringValue: description) }

    package init?<T: CodingKey>(codingKey: T) {
        guard let name = try? Self(codingKey.stringValue) else { return nil }
        self = name
    }
}

private struct TextKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
