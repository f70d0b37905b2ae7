import FleetAPI
import FleetModel
import UnitFile

/// The text of `why`: what happened to a unit, oldest first, each step with its cause; then how it stands now, and
/// why it may not go to other machines.
struct Story {
    var detail: UnitDetail
    var zone: Zone
    var now: Timestamp

    /// One step of the story.
    private struct Step {
        var at: Timestamp
        var text: String
        /// Quoted below the step.
        var journal: [String] = []
    }

    func render() -> String {
        var text = "\(detail.row.name): \(summary)\n"
        var day = ""
        for step in steps {
            let date = zone.format(step.at, "%a %Y-%m-%d %Z")
            if date != day {
                text += "\n\(date)\n"
                day = date
            }
            text += "  \(zone.format(step.at, "%H:%M:%S"))  \(step.text) (\(Age.text(step.at, now: now)))\n"
            text += step.journal.map { "            | \($0)\n" }.joined()
        }
        return text + present + elsewhere
    }

    /// The answer in one sentence.
    private var summary: String {
        let row = detail.row
        if let blocked = row.blocked { return "should be \(row.target.rawValue), but is blocked: \(sentence(blocked))" }
        let places = row.states.sorted { $0.machine.id < $1.machine.id }.map { state in
            "\(state.status.active) (\(state.status.sub)) on \(state.machine.nameWithLegend)"
        }
        if places.isEmpty {
            return row.target == .inactive
                ? "inactive, as its target state asks" : "should be \(row.target.rawValue), and is on no machine yet"
        }
        return "should be \(row.target.rawValue), is " + places.joined(separator: ", ")
    }

    private var steps: [Step] {
        var steps: [Step] = []
        let events = detail.events
        if !events.contains(where: { $0.kind == .submitted || $0.kind == .replaced }) {
            steps.append(Step(at: detail.submitted.at, text: "submitted by \(sentence(detail.submitted.by))"))
            // The registry keeps the newest events only.
            if events.count >= Limits.eventsPerUnit, let first = events.first {
                steps.append(Step(at: first.at, text: "... older events are not kept ..."))
            }
        }
        for event in events {
            let journal = (event.journal ?? []).flatMap(Printable.lines)
            steps.append(Step(at: event.at, text: text(event), journal: journal))
        }
        return steps
    }

    private func text(_ event: UnitEvent) -> String {
        let message = sentence(event.message)
        let words = message.isEmpty ? Self.words(event.kind) : message
        guard let machine = event.machine, !mentions(words, machine) else { return words }
        return "\(words) [on \(name(machine))]"
    }

    private func mentions(_ text: String, _ machine: MachineID) -> Bool {
        if text.contains(machine.short) { return true }
        guard let known = machines[machine], !known.hostname.isEmpty else { return false }
        return text.contains(known.hostname)
    }

    /// For an event without a message.
    private static func words(_ kind: UnitEvent.Kind) -> String {
        switch kind {
        case .resetFailed: "failures forgotten"
        case .target: "target state set"
        case .gaveUp: "given up"
        case .moveAsked: "a move asked for"
        case .moveDropped: "not moved"
        case .submitted, .replaced, .restart, .reload, .destroyed, .placed, .moved, .unplaced, .blocked, .pulled,
            .started, .reloaded, .stopped, .failed, .refused, .retry:
            kind.rawValue
        }
    }

    private var present: String {
        let row = detail.row
        var lines: [String] = []
        if let reschedule = row.reschedule { lines.append("Next: \(sentence(reschedule))") }
        if let blocked = row.blocked { lines.append("Blocked: \(sentence(blocked))") }
        return lines.isEmpty ? "" : "\n" + lines.map { $0 + "\n" }.joined()
    }

    private var elsewhere: String {
        guard !detail.notEligible.isEmpty else { return "" }
        let reasons = detail.notEligible.sorted { $0.key < $1.key }.map { machine, reason in
            "  \(name(machine)): \(sentence(reason))\n"
        }
        return "\nNot eligible:\n" + reasons.joined()
    }

    private var machines: [MachineID: MachineSummary] {
        let all = detail.row.assigned + detail.row.states.map(\.machine)
        return Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func name(_ machine: MachineID) -> String { machines[machine]?.nameWithLegend ?? machine.short + "..." }

    private func sentence(_ text: String) -> String { Printable.lines(text).joined(separator: " ") }
}
