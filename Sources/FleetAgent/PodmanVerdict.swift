/// What podman said of a container before it ended it: that its health check (`HealthCmd=` of a `.container` file) had
/// failed too often.
package struct PodmanVerdict: Hashable, Sendable {
    /// Failed checks in a row; nil before podman 5.3, which does not tell.
    package var failures: Int?
    /// How the last check ended and what it printed; empty when podman did not write that to the journal.
    package var output: String

    package init(failures: Int? = nil, output: String = "") {
        self.failures = failures
        self.output = output
    }

    /// In the words that fleet has for its own checks.
    var problem: String {
        let times = (failures ?? 1) > 1 ? " \(failures ?? 1) times" : ""
        return "health check failed" + times + (output.isEmpty ? "" : ": \(output)")
    }
}
