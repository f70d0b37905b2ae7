/// A Debian release a machine runs.
package enum Debian: String, CaseIterable, Sendable {
    /// Debian 12: systemd 252.
    case bookworm
    /// Debian 13: systemd 257, podman 5.4 with Quadlet.
    case trixie
}
