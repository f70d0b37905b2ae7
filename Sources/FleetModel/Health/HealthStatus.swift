/// How the checks of a running unit went. Written when the state changes, and while checks fail at the first, second,
/// fourth... failure in a row, so that a unit that is as it was costs no write.
package struct HealthStatus: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// No check has succeeded yet, and none has failed that counts.
        case starting
        case healthy
        /// The newest checks failed, fewer than it takes.
        case failing
        /// As many failed as it takes; what follows is for the agent, and after it for the reschedule policy.
        case unhealthy
    }

    package var state: State
    /// Failures in a row that count, when this was written.
    package var failures: Int
    /// How many it takes.
    package var retries: Int
    /// What the check that made the state said: printable, at most `Limits.healthOutputBytes`; may be empty.
    package var output: String
    /// Since when the state is this one.
    package var at: Timestamp

    package init(state: State, failures: Int = 0, retries: Int, output: String = "", at: Timestamp) {
        self.state = state
        self.failures = failures
        self.retries = retries
        self.output = output
        self.at = at
    }
}

/// Cuts what a check printed to what is worth keeping: the last lines, on one line, printable.
package enum HealthOutput {
    package static func text(_ output: String) -> String {
        let lines = output.split(whereSeparator: \.isNewline).map(printable).filter { !$0.isEmpty }
        let text = lines.suffix(keptLines).joined(separator: " | ")
        guard text.utf8.count > Limits.healthOutputBytes else { return text }
        // The end says what went wrong. The ellipsis has three bytes.
        var bytes = 3
        let tail = text.reversed().prefix { character in
            bytes += character.utf8.count
            return bytes <= Limits.healthOutputBytes
        }
        return "…" + String(tail.reversed())
    }

    /// More is for the unit's journal.
    private static let keptLines = 3

    private static func printable(_ line: Substring) -> String {
        let shown = line.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar.value < 32 || (127...159).contains(scalar.value) ? " " : scalar
        }
        var text = String(String.UnicodeScalarView(shown))[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
