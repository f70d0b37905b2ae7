package import UnitFile

/// Podman's Quadlet generator, as a program: where it is and what it says.
package enum QuadletProgram {
    /// Where packages of podman have it: itself, and the link by which systemd finds it.
    package static let places = [
        "/usr/libexec/podman/quadlet", "/usr/lib/systemd/system-generators/podman-system-generator",
    ]

    private static let sentenceBytes = 500

    /// What it has to say of a file that it has made no service of, or all that it says if that is not clear.
    package static func complaint(about name: QuadletName, in output: String) -> String {
        "podman does not accept \(name): \(words(about: name, in: output).printable(limit: sentenceBytes))"
    }

    /// The same without a word around it; nil when it says nothing of that file.
    package static func ownWords(about name: QuadletName, in output: String) -> String? {
        let mark = "converting \"\(name)\": "
        let lines = lines(of: output).compactMap { line in
            line.firstRange(of: mark).map { String(line[$0.upperBound...]) }
        }
        return lines.isEmpty ? nil : joined(lines)
    }

    private static func words(about name: QuadletName, in output: String) -> String {
        ownWords(about: name, in: output) ?? joined(lines(of: output).suffix(3))
    }

    private static func lines(of output: String) -> [String] { output.split(separator: "\n").map(String.init) }

    /// The folder that it read is of no interest, and gone.
    private static func joined(_ lines: some Sequence<String>) -> String {
        lines.map { line in line.firstRange(of: " in /").map { String(line[..<$0.lowerBound]) } ?? line }
            .joined(separator: "; ")
    }
}
