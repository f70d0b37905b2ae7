/// The name of a unit, as systemd.unit(5) defines it: `prefix.type`, `prefix@.type` (a template) or
/// `prefix@instance.type` (an instance of that template).
package struct UnitName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String
    package let type: UnitType
    /// The part before `@`, or the whole name without its suffix.
    package let prefix: String
    /// nil when the name has no `@`; empty for a template.
    package let instance: String?

    /// The longest name that systemd accepts (`UNIT_NAME_MAX`), in bytes.
    package static let maximumLength = 255

    /// Throws a `UnitNameError` that says what is wrong with `text`.
    package init(_ text: String) throws(UnitNameError) {
        guard !text.isEmpty else { throw UnitNameError("unit name cannot be empty") }
        guard text.utf8.count <= Self.maximumLength else {
            throw UnitNameError("unit name exceeds maximum length (\(Self.maximumLength))")
        }
        guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else {
            throw UnitNameError("unit name must contain \".\"")
        }
        let suffix = String(text[text.index(after: dot)...])
        guard !suffix.isEmpty else { throw UnitNameError("unit name cannot end in \".\"") }
        guard let type = UnitType(rawValue: suffix) else { throw UnitNameError("invalid unit type: \"\(suffix)\"") }
        if let bad = text.unicodeScalars.first(where: { !Self.isValid($0) }) {
            throw UnitNameError("invalid character '\(Character(bad))' in unit name")
        }
        let stem = text[..<dot]
        guard !stem.isEmpty else { throw UnitNameError("unit name cannot start in \".\"") }
        if let at = stem.firstIndex(of: "@") {
            guard at != stem.startIndex else { throw UnitNameError("unit name cannot start in \"@\"") }
            prefix = String(stem[..<at])
            instance = String(stem[stem.index(after: at)...])
        } else {
            prefix = String(stem)
            instance = nil
        }
        self.type = type
        description = text
    }

    /// `web@.service`
    package var isTemplate: Bool { instance?.isEmpty == true }
    /// `web@1.service`
    package var isInstance: Bool { instance?.isEmpty == false }
    /// The name without its suffix (`%N`).
    package var stem: String { String(description.dropLast(type.rawValue.count + 1)) }

    /// The template that this instance is made from; nil unless it is an instance.
    package var template: UnitName? {
        guard isInstance else { return nil }
        return try? UnitName("\(prefix)@.\(type.rawValue)")
    }

    package static func < (left: UnitName, right: UnitName) -> Bool { left.description < right.description }

    private static func isValid(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ":", "-", "_", ".", "\\", "@": true
        default: false
        }
    }
}

/// The unit types of systemd.unit(5).
package enum UnitType: String, Hashable, Sendable, CaseIterable {
    case service, socket, device, mount, automount, swap, target, path, timer, slice, scope
}

/// Why a text is not a unit name; the message is fleet's own wording where fleet had one.
package struct UnitNameError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

extension UnitName: Codable, CodingKeyRepresentable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do {
            self = try UnitName(text)
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

    package var codingKey: any CodingKey { Name(stringValue: description) }

    package init?<T: CodingKey>(codingKey: T) {
        guard let name = try? UnitName(codingKey.stringValue) else { return nil }
        self = name
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
