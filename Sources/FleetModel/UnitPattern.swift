/// A shell pattern over unit names as Go's `path.Match` defines it, which fleet used: `*` any run of characters, `?`
/// one, `[a-z]` and `[^a-z]` classes, `\` quotes. A unit name has no `/`, so that rule of `path.Match` does not show.
package struct UnitPattern: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    package init(from decoder: any Decoder) throws {
        description = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
