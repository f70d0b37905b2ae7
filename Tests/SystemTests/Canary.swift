import FoundationEssentials
import Lab
import Testing

/// A secret text that is searched for where it may not be.
struct Canary: Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    /// Everything of the machine's that is on a disk or may come to one, and what fleet, systemd and podman say to
    /// others. Credentials are in /run/credentials, in memory that is not swapped.
    private static let searched = [
        "/etc", "/root", "/srv", "/tmp", "/var", "/run/containers", "/run/fleet", "/run/log", "/run/systemd",
        "/run/search",
    ]

    /// The text, and what base64 makes of it: three texts, because three bytes are four characters and nobody knows
    /// what is before it.
    var traces: [String] {
        let encoded = (0..<3).map { offset in
            let whole = (Data(repeating: 0, count: offset) + Data(text.utf8)).base64EncodedString()
            // Characters that have bits of what is before or after the text are nobody's trace.
            return String(whole.prefix((offset + text.utf8.count) * 8 / 6).dropFirst((offset * 8 + 5) / 6))
        }
        return [text] + encoded
    }

    /// The files that have a trace of it, the whole journal, an export of the registry and fleetd's environment among
    /// them.
    func places(on fleet: Fleet) async throws -> [String] {
        let search = """
            mkdir -p /run/search
            journalctl --no-pager --output=export >/run/search/journal
            fleetctl registry export >/run/search/export
            cat /proc/$(systemctl show -P MainPID fleetd)/environ >/run/search/environ
            grep -rlaFs \(traces.map { "-e '\($0)'" }.joined(separator: " ")) \
                \(Canary.searched.joined(separator: " ")) || true
            """
        return try await fleet.machine.shell(search).split(separator: "\n").map(String.init).sorted()
    }

    func expectNowhere(on fleet: Fleet, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let places = try await places(on: fleet)
        #expect(places == [], "\(text) is there", sourceLocation: sourceLocation)
    }
}
