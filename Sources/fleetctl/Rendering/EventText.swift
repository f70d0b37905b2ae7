import FleetAPI
import FleetModel
import UnitFile

/// An event as one line, laid out as journalctl's short format is.
enum EventText {
    /// With its newline.
    static func line(_ event: EventLine, zone: Zone) -> String {
        let message = Printable.lines(event.message).joined(separator: " ")
        let words = message.isEmpty ? event.kind : message
        return "\(zone.short(event.at)) \(subject(event)): \(words)\(place(event, besides: words))\n"
    }

    /// What the event is about.
    private static func subject(_ event: EventLine) -> String {
        if let unit = event.unit { return unit.description }
        guard let machine = event.machine else { return "fleet" }
        return "machine " + Printable.line(machine.nameWithLegend)
    }

    /// The machine of a unit's event, unless the words name it.
    private static func place(_ event: EventLine, besides words: String) -> String {
        guard event.unit != nil, let machine = event.machine, !words.contains(machine.id.short) else { return "" }
        return " [on \(Printable.line(machine.nameWithLegend))]"
    }
}
