import FleetAPI
import FleetModel
import UnitFile

/// The block of `status` for one unit: what systemctl would say, and what only the fleet knows.
struct StatusText {
    var detail: UnitDetail
    /// The newest journal lines; nil when they could not be had.
    var journal: [JournalLine]?
    var zone: Zone
    var now: Timestamp

    private static let labelWidth = 12

    func render() -> String {
        let row = detail.row
        var lines = [heading]
        let source = row.source.map { "\($0), " } ?? ""
        lines.append(
            Self.line("Unit file", "\(source)hash \(row.file.short), submitted by \(provenance(detail.submitted))")
        )
        if let image = row.image { lines.append(Self.line("Pinned", Printable.line(image))) }
        lines.append(Self.line("Target", "\(row.target.rawValue), set by \(provenance(detail.targetSet))"))
        if row.states.isEmpty { lines += nowhere }
        for state in row.states.sorted(by: { $0.machine.id < $1.machine.id }) { lines += block(state) }
        if let blocked = row.blocked { lines.append(Self.line("Blocked", Printable.line(blocked))) }
        if let reschedule = row.reschedule { lines.append(Self.line("Reschedule", Printable.line(reschedule))) }
        var text = lines.map { $0 + "\n" }.joined()
        if let journal, !journal.isEmpty {
            text += "\n"
            for line in journal { text += (try? JournalMode.short.text(line, zone: zone)) ?? "" }
        }
        return text
    }

    /// As `systemctl status`: 0 while the unit is active on some machine, 3 if not.
    var exitStatus: Int32 {
        let running: Set<String> = ["active", "reloading", "activating", "deactivating", "refreshing"]
        return detail.row.states.contains { running.contains($0.status.active) }
            ? ExitStatus.success : ExitStatus.notRunning
    }

    private var heading: String {
        let row = detail.row
        let description = row.description.isEmpty ? "" : " - " + Printable.line(row.description)
        return "\(Self.dot(row)) \(row.name)\(description)"
    }

    private var nowhere: [String] {
        if let machine = detail.row.assigned.first {
            return [
                Self.line("Machine", machine.nameWithLegend), Self.line("Active", "unknown: not yet reported"),
            ]
        }
        return [Self.line("Active", "inactive (on no machine)")]
    }

    private func block(_ state: UnitListing.State) -> [String] {
        let status = state.status
        var lines = [
            Self.line("Machine", state.machine.nameWithLegend),
            Self.line("Loaded", loaded(status)),
            Self.line(
                "Active",
                "\(status.active) (\(status.sub)) since \(zone.full(status.at)); \(Age.text(status.at, now: now))"
            ),
        ]
        if status.mainPID > 0 { lines.append(Self.line("Main PID", String(status.mainPID))) }
        if !status.invocation.isEmpty { lines.append(Self.line("Invocation", status.invocation)) }
        if let health = status.health { lines.append(Self.line("Health", self.health(health))) }
        if let pull = status.pull { lines.append(Self.line("Image", self.pull(pull))) }
        if let failure = status.failure {
            lines.append(Self.line("Failed", "\(Printable.line(failure.message)) at \(zone.full(failure.at))"))
        }
        return lines
    }

    private func health(_ health: HealthStatus) -> String {
        let said = health.output.isEmpty ? "" : ": " + Printable.line(health.output)
        let age = Age.text(health.at, now: now)
        return switch health.state {
        case .starting: "starting since \(age)" + said
        case .healthy: "healthy since \(age)"
        case .failing: "failing (\(health.failures) of \(health.retries)) since \(age)" + said
        case .unhealthy: "unhealthy since \(age)" + said
        }
    }

    private func pull(_ pull: PullStatus) -> String {
        let age = Age.text(pull.at, now: now)
        let said = pull.note.isEmpty ? "" : ": " + Printable.line(pull.note)
        guard pull.hasFailed else { return "\(pull.image) is being pulled since \(age)\(said)" }
        return "\(Printable.line(pull.note)), \(age); to be tried again"
    }

    private func loaded(_ status: UnitStatus) -> String {
        guard status.load == "loaded" else { return status.load }
        guard let file = status.file else { return "loaded" }
        return file == detail.row.file
            ? "loaded (/run/fleet/units/\(detail.row.name))"
            : "loaded (/run/fleet/units/\(detail.row.name); still the file \(file.short))"
    }

    private func provenance(_ value: Provenance) -> String {
        "\(Printable.line(value.by)) at \(zone.full(value.at)); \(Age.text(value.at, now: now))"
    }

    /// systemctl's marks.
    private static func dot(_ row: UnitListing.Row) -> String {
        let actives = Set(row.states.map(\.status.active))
        if actives.contains("failed") { return "×" }
        return actives.isEmpty || actives == ["inactive"] ? "○" : "●"
    }

    private static func line(_ label: String, _ value: String) -> String {
        String(repeating: " ", count: max(0, labelWidth - label.count)) + label + ": " + value
    }
}
