package import UnitFile

/// The check that podman makes of a container, and ends it for (`HealthCmd=` and `HealthOnFailure=` of a `.container`
/// file).
package struct PodmanCheck: Hashable, Sendable {
    /// From the start of a container that does nothing until podman has ended it, at the longest.
    package var verdict: Duration

    /// What podman-run(1) has where the file says nothing.
    private static let interval = Duration.seconds(30)
    private static let timeout = Duration.seconds(30)
    private static let retries = 3

    package init?(of kind: QuadletKind, _ file: ParsedUnitFile) {
        func value(_ key: String) -> String? { file.lastValue(section: kind.section, key: key) }
        guard kind == .container, let command = value("HealthCmd"), !["", "none"].contains(command),
            let action = value("HealthOnFailure"), ["kill", "stop", "restart"].contains(action)
        else { return nil }
        /// In the notation of Go (`1m30s`), which is one of systemd's too; what cannot be read is left to podman.
        func span(_ key: String, else standard: Duration) -> Duration {
            guard case .finite(let span)? = value(key).flatMap(TimeSpan.parse) else { return standard }
            return span
        }
        let retries = value("HealthRetries").flatMap { Int($0) } ?? Self.retries
        let round = span("HealthInterval", else: Self.interval) + span("HealthTimeout", else: Self.timeout)
        verdict = min(
            span("HealthStartPeriod", else: .zero) + round * min(max(retries, 1), Self.mostRetries),
            Limits.longestSpan
        )
    }

    /// More is a slip of the pen, and would only make the number too large.
    private static let mostRetries = 10_000
}
