/// A specifier of systemd.unit(5) that has a meaning in `[X-Fleet]`, by its letter.
package enum Specifier: String, Hashable, Sendable, CaseIterable {
    case fullName = "n"
    case stem = "N"
    case prefix = "p"
    case unescapedPrefix = "P"
    case instance = "i"
    case unescapedInstance = "I"
    case lastComponent = "j"
    case unescapedLastComponent = "J"
    case machineID = "m"
    case hostname = "H"

    /// Known only when a machine is looked at.
    package var isPerMachine: Bool { self == .machineID || self == .hostname }

    /// Whether a template's own name leaves this open.
    package var needsInstance: Bool {
        switch self {
        case .fullName, .stem, .instance, .unescapedInstance: true
        case .prefix, .unescapedPrefix, .lastComponent, .unescapedLastComponent, .machineID, .hostname: false
        }
    }

    /// The text that this stands for in the unit called `name`; nil when it depends on the machine. Throws when the
    /// name has no valid escapes.
    package func text(for name: UnitName) throws(UnitNameError) -> String? {
        switch self {
        case .fullName: name.description
        case .stem: name.stem
        case .prefix: name.prefix
        case .unescapedPrefix: try UnitEscaping.unescape(name.prefix)
        case .instance: name.instance ?? ""
        case .unescapedInstance: try UnitEscaping.unescape(name.instance ?? "")
        case .lastComponent: name.lastComponent
        case .unescapedLastComponent: try UnitEscaping.unescape(name.lastComponent)
        case .machineID, .hostname: nil
        }
    }
}

/// A text cut into what it says and what it leaves open. The cut is made once, from left to right, and before anything
/// is put in: an instance called `%p` stays `%p`. fleet replaced one specifier after the other and expanded such texts
/// twice.
package struct SpecifierText: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case literal(String)
        case specifier(Specifier)
    }

    package let parts: [Part]

    package init(parts: [Part]) { self.parts = parts }

    /// Throws when a `%` begins no specifier that `[X-Fleet]` has; the message lists those.
    package init(_ text: String) throws(UnitNameError) {
        var parts: [Part] = []
        var literal = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                literal.append(scalar)
                continue
            }
            guard let letter = rest.popFirst() else {
                throw UnitNameError("a single % at the end; write %% for a percent sign")
            }
            if letter == "%" {
                literal.append(letter)
                continue
            }
            guard let specifier = Specifier(rawValue: String(Character(letter))) else {
                let known = Specifier.allCases.map { "%" + $0.rawValue }.joined(separator: " ")
                throw UnitNameError(
                    "unknown specifier %\(String(Character(letter)).printable()); [X-Fleet] has \(known), "
                        + "and %% for a percent sign"
                )
            }
            if !literal.isEmpty { parts.append(.literal(String(literal))) }
            literal = String.UnicodeScalarView()
            parts.append(.specifier(specifier))
        }
        if !literal.isEmpty { parts.append(.literal(String(literal))) }
        self.parts = parts
    }

    /// `text` with all filled in that the unit's name alone decides. What depends on the machine or has no meaning here
    /// stays as it is written, and so does what only an instance decides of a template.
    package static func expand(_ text: String, for name: UnitName) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var expanded = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%", let letter = rest.first else {
                expanded.append(scalar)
                continue
            }
            rest.removeFirst()
            let specifier = Specifier(rawValue: String(Character(letter)))
            let isOpen = specifier.map { $0.needsInstance && name.isTemplate } ?? true
            if letter == "%" {
                expanded.append(letter)
            } else if !isOpen, let value = try? specifier?.text(for: name) {
                expanded.append(contentsOf: value.unicodeScalars)
            } else {
                expanded.append(contentsOf: [scalar, letter])
            }
        }
        return String(expanded)
    }

    package var specifiers: [Specifier] {
        parts.compactMap { if case .specifier(let specifier) = $0 { specifier } else { nil } }
    }
}
