/// The name of a Quadlet file: `web.container`, `web@.container` (a template) or `web@1.container` (an instance).
///
/// Made of the same characters as a unit name, and short enough for its service's name, so it is as safe as a file name
/// and in a registry key.
package struct QuadletName: Sendable, CustomStringConvertible {
    package let description: String
    package let kind: QuadletKind
    /// Throws a `UnitNameError` that says what is wrong with `text`.
    package init(_ text: String) throws(UnitNameError) {
        guard let kind = QuadletKind(ofFile: text) else {
            let kinds = QuadletKind.allCases.map { "." + $0.rawValue }.joined(separator: " ")
            throw UnitNameError("\"\(text.printable(limit: 40))\" is no Quadlet file; their names end in \(kinds)")
        }
        let stem = text.dropLast(kind.rawValue.count + 1)
        guard !stem.isEmpty else { throw UnitNameError("the name of a Quadlet file cannot start in \".\"") }
        _ = try Self.service(stem, kind)
        self.kind = kind
        description = text
    }

    /// The service that the file becomes unless its `ServiceName=` says otherwise.
    package var standardService: UnitName {
        do throws(UnitNameError) {
            return try Self.service(stem[...], kind)
        } catch {
            preconditionFailure("\(description) was made although its service has no name: \(error)")
        }
    }

    private static func service(_ stem: Substring, _ kind: QuadletKind) throws(UnitNameError) -> UnitName {
        try UnitName(stem + kind.serviceSuffix + ".service")
    }

    /// The name without its suffix.
    package var stem: String { String(description.dropLast(kind.rawValue.count + 1)) }

    /// `web@.container`
    package var isTemplate: Bool { stem.hasSuffix("@") && stem.firstIndex(of: "@") == stem.lastIndex(of: "@") }

    /// The part after the first `@`; nil when the name has none, empty for a template.
    package var instance: String? {
        stem.firstIndex(of: "@").map { String(stem[stem.index(after: $0)...]) }
    }

    /// The template that this instance is made from; nil unless it is an instance.
    package var template: QuadletName? {
        guard let at = stem.firstIndex(of: "@"), !isTemplate else { return nil }
        return try? QuadletName("\(stem[...at]).\(kind.rawValue)")
    }

    /// The instance of this template that is called `instance`; nil when this is no template or the name is too long.
    package func instance(_ instance: String) -> QuadletName? {
        guard isTemplate, !instance.isEmpty else { return nil }
        return try? QuadletName("\(stem)\(instance).\(kind.rawValue)")
    }
}

extension QuadletName: Hashable, Comparable {
    // The text says it all.

    package static func == (left: QuadletName, right: QuadletName) -> Bool { left.description == right.description }
    package static func < (left: QuadletName, right: QuadletName) -> Bool { left.description < right.description }
    package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension QuadletName: NameInText {}
