import FleetAgent
import FleetModel
import FoundationEssentials
import UnitFile

/// Health checks that podman makes of containers, and ends them for. The container is removed a moment after it was
/// killed, with the log of its checks; what stays is the event in the journal that podman writes after each check.
enum ContainerCheck {
    /// What podman wrote about one check (`podman-events(1)`, as fields of the journal). Seen with podman 5.4.
    struct Event: Hashable, Sendable {
        /// Microseconds of CLOCK_REALTIME.
        var at: UInt64
        /// `healthy`, `unhealthy` or `starting`.
        var status: String
        var streak: String
        var labels: String
        var log: String
    }

    /// Of a check whose log goes to the journal (`HealthLogDestination=events_logger`).
    private struct Log: Decodable {
        var exitCode: Int
        var output: String

        enum CodingKeys: String, CodingKey {
            case exitCode = "ExitCode"
            case output = "Output"
        }
    }

    /// When the run's main process began; its checks come later.
    static let beginProperty = "ExecMainStartTimestamp"

    /// podman writes its events under this name when it has the journal for them, which it has on every Debian.
    static let eventField = "PODMAN_EVENT=health_status"

    /// Whether podman ends the container of this service when its check has failed too often.
    static func ends(_ service: String) -> Bool {
        let option = "--health-on-failure"
        return service.split(separator: "\n").contains { line in
            guard line.hasPrefix("ExecStart="), let found = line.firstRange(of: option) else { return false }
            let action = line[found.upperBound...].drop { $0 == " " || $0 == "=" }.prefix { $0.isLetter }
            return ["kill", "stop", "restart"].contains(action)
        }
    }

    /// The unit that the event is about. Its services say their names in the environment, and podman makes a label of
    /// that.
    static func unit(of event: Event) -> UnitName? {
        let labels = try? JSONDecoder().decode([String: String].self, from: Data(event.labels.utf8))
        return labels?["PODMAN_SYSTEMD_UNIT"].flatMap { try? UnitName($0) }
    }

    /// nil when the container was not found unhealthy.
    static func verdict(of event: Event) -> PodmanVerdict? {
        guard event.status == "unhealthy" else { return nil }
        var verdict = PodmanVerdict(failures: Int(event.streak))
        if let log = try? JSONDecoder().decode(Log.self, from: Data(event.log.utf8)) {
            let text = HealthOutput.text(log.output)
            verdict.output = "exit status \(log.exitCode)" + (text.isEmpty ? "" : ": \(text)")
        }
        return verdict
    }

    /// The last word about each unit since its run began, from events with the newest first. A container that was
    /// healthy again ended for another reason.
    static func verdicts(_ events: some Sequence<Event>, since begins: [UnitName: UInt64]) -> [UnitName: PodmanVerdict]
    {
        var open = begins
        var verdicts: [UnitName: PodmanVerdict] = [:]
        for event in events {
            guard let earliest = open.values.min(), event.at >= earliest else { break }
            guard let unit = unit(of: event), let begin = open[unit], event.at >= begin else { continue }
            open[unit] = nil
            verdicts[unit] = verdict(of: event)
        }
        return verdicts
    }

    /// podman ends the container of this `.container` file when its check has failed too often, and the file does not
    /// say where the log of the checks goes.
    static func losesItsLog(_ text: String) -> Bool {
        guard let file = try? ParsedUnitFile.parse(text), PodmanCheck(of: .container, file) != nil else { return false }
        return file.lastValue(section: QuadletKind.container.section, key: logKey) == nil
    }

    /// Such a file with the log sent to the journal: every other place goes with the container, before anybody can read
    /// there why it was ended.
    static func text(_ text: String, podman version: PodmanVersion?) -> String {
        guard let version, version >= logs else { return text }
        let line = "\(logKey)=events_logger\n"
        return text + (text.hasSuffix("\n") ? "" : "\n") + "[\(QuadletKind.container.section)]\n" + line
    }

    private static let logKey = "HealthLogDestination"
    /// podman that knows the key.
    private static let logs = PodmanVersion(5, 3)
}
