/// The name of a unit, as systemd.unit(5) defines it: `prefix.type`, `prefix@.type` (a template) or
/// `prefix@instance.type` (an instance of that template).
///
/// Every value holds ASCII letters, digits and `:-_.\@` only, at most 255 of them, so a name is safe as a file name
/// and as part of a registry key: no separator, no `..` as a component, no control character.
///
/// The text is kept once and its parts are cut out of it when somebody asks: names are the keys of everything, a fleet
/// has hundreds of thousands of them, and what makes one is hashed, compared and copied all the time.
package struct UnitName: Sendable, CustomStringConvertible {
    package let description: String
    package let type: UnitType
    /// Where the first `@` is, in bytes; 0 for none, because a name cannot begin with one.
    private let at: UInt8

    /// The longest name that systemd accepts (`UNIT_NAME_MAX` without the final NUL), in bytes.
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
        guard let type = UnitType(rawValue: suffix) else {
            throw UnitNameError("invalid unit type: \"\(suffix.printable(limit: 40))\"")
        }
        if let bad = text.unicodeScalars.first(where: { !Self.isValid($0) }) {
            throw UnitNameError("invalid character '\(String(Character(bad)).printable())' in unit name")
        }
        let stem = text[..<dot]
        guard !stem.isEmpty else { throw UnitNameError("unit name cannot start in \".\"") }
        guard stem.utf8.first != UInt8(ascii: "@") else { throw UnitNameError("unit name cannot start in \"@\"") }
        // Fits: the longest name has 255 bytes.
        at =
            stem.utf8.firstIndex(of: UInt8(ascii: "@")).map { UInt8(text.utf8.distance(from: text.startIndex, to: $0)) }
            ?? 0
        self.type = type
        description = text
    }

    /// The part before the first `@`, or the whole name without its suffix (`%p`).
    package var prefix: String { at == 0 ? stem : String(description.utf8.prefix(Int(at))) ?? "" }

    /// nil when the name has no `@`; empty for a template.
    package var instance: String? { at == 0 ? nil : String(stem.utf8.dropFirst(Int(at) + 1)) }

    /// `web@.service`
    package var isTemplate: Bool { at != 0 && stemLength == Int(at) + 1 }
    /// `web@1.service`
    package var isInstance: Bool { at != 0 && stemLength > Int(at) + 1 }
    /// The name without its suffix (`%N`).
    package var stem: String { String(description.utf8.prefix(stemLength)) ?? "" }

    private var stemLength: Int { description.utf8.count - type.rawValue.utf8.count - 1 }

    /// The part of the prefix after its last `-`, or all of it (`%j`).
    package var lastComponent: String {
        prefix.lastIndex(of: "-").map { String(prefix[prefix.index(after: $0)...]) } ?? prefix
    }

    /// The template that this instance is made from; nil unless it is an instance.
    package var template: UnitName? {
        guard isInstance else { return nil }
        return try? UnitName("\(prefix)@.\(type.rawValue)")
    }

    /// The instance of this template that is called `instance`; throws when this is no template, or when the instance
    /// is empty, too long, or has characters that a name cannot have.
    package func instance(of instance: String) throws(UnitNameError) -> UnitName {
        guard isTemplate else {
            throw UnitNameError("\(description) is not a template; the name of a template ends in @.\(type.rawValue)")
        }
        guard !instance.isEmpty else { throw UnitNameError("the instance of \(description) cannot be empty") }
        return try UnitName("\(prefix)@\(instance).\(type.rawValue)")
    }

    private static func isValid(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ":", "-", "_", ".", "\\", "@": true
        default: false
        }
    }
}

extension UnitName: Hashable, Comparable {
    // The text says it all.

    package static func == (left: UnitName, right: UnitName) -> Bool { left.description == right.description }
    package static func < (left: UnitName, right: UnitName) -> Bool { left.description < right.description }
    package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

/// Why a text is not a unit name; the message is fleet's own wording where fleet had one.
package struct UnitNameError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

extension UnitName: NameInText {}
