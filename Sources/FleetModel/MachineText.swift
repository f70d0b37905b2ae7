/// A value of `[X-Fleet]` for one unit in which at most the machine is still open (`%m`, `%H`): the planner asks what
/// it says for each machine it looks at. Most values leave nothing open and are just their text.
package struct MachineText: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case literal(String)
        case machineID
        case hostname
    }

    package let parts: [Part]

    /// Neighbouring literals become one and empty ones go, so that equal texts are equal values.
    package init(parts: [Part]) {
        var merged: [Part] = []
        for part in parts {
            switch (merged.last, part) {
            case (_, .literal("")): continue
            case (.literal(let before)?, .literal(let more)): merged[merged.count - 1] = .literal(before + more)
            default: merged.append(part)
            }
        }
        self.parts = merged
    }

    package init(_ text: String) { self.init(parts: [.literal(text)]) }

    /// The text, when it is the same on every machine.
    package var fixed: String? {
        switch parts.count {
        case 0: ""
        case 1: if case .literal(let text) = parts[0] { text } else { nil }
        default: nil
        }
    }

    /// Without the white space at its ends.
    var trimmed: MachineText {
        var parts = parts
        if case .literal(let text)? = parts.first { parts[0] = .literal(String(text.drop(while: \.isWhitespace))) }
        if case .literal(let text)? = parts.last, let last = text.lastIndex(where: { !$0.isWhitespace }) {
            parts[parts.count - 1] = .literal(String(text[...last]))
        } else if case .literal? = parts.last {
            parts.removeLast()
        }
        return MachineText(parts: parts)
    }

    /// What the text says on one machine.
    package func text(machine: MachineID, hostname: String) -> String {
        parts.map { part in
            switch part {
            case .literal(let text): text
            case .machineID: machine.description
            case .hostname: hostname
            }
        }.joined()
    }
}

extension MachineText: ExpressibleByStringInterpolation, Comparable, CustomStringConvertible {
    package init(stringLiteral text: String) { self.init(text) }

    /// As a user would write it, for people.
    package var description: String {
        parts.map { part in
            switch part {
            case .literal(let text): text
            case .machineID: "%m"
            case .hostname: "%H"
            }
        }.joined()
    }

    package static func < (left: MachineText, right: MachineText) -> Bool { left.description < right.description }
}
