import FleetModel
import UnitFile

/// What podman and skopeo print, for people.
enum PodmanWords {
    private static let bytes = 300

    /// The error that it ended with, or else its last line.
    static func problem(in lines: [String]) -> String {
        for line in lines.reversed() {
            if let mark = line.firstRange(of: "Error: ") { return text(line[mark.upperBound...]) }
            // skopeo logs as logrus does: `time="..." level=fatal msg="..."`.
            if line.contains("level=fatal"), let mark = line.firstRange(of: "msg=\"") {
                return text(line[mark.upperBound...].drop { $0 == "\"" }.prefix { $0 != "\n" })
            }
            if line.hasSuffix("not found"), line.contains("skopeo") {
                return "there is no skopeo on this machine, which PinImage= needs; install it (apt install skopeo)"
            }
        }
        return lines.last.map { text($0[...]) } ?? "podman has not said why"
    }

    static func newest(in lines: [String]) -> String { lines.last.map { text($0[...]) } ?? "" }

    private static func text(_ words: Substring) -> String {
        var words = words
        while words.last == "\"" || words.last == "." { words.removeLast() }
        return String(words).printable(limit: bytes)
    }
}
