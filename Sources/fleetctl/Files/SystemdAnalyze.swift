import FoundationEssentials
import Subprocess
import UnitFile

/// `systemd-analyze verify` on unit files that are not installed.
enum SystemdAnalyze {
    struct Input: Hashable, Sendable {
        var name: UnitName
        var file: LocalFile
    }

    struct Verdict: Hashable, Sendable {
        var lines: [String] = []
        var hasErrors = false
    }

    /// More output than this is no longer read by anybody.
    private static let outputBytes = 1 << 20

    /// Runs the tool on copies of all files in one directory, so that units find each other; `others` are there for
    /// that only. Without the tool, or without files, there is nothing to say.
    static func verify(_ inputs: [Input], beside others: [Input], path: String) async throws -> Verdict {
        guard !inputs.isEmpty, isInstalled("systemd-analyze", path) else { return Verdict() }
        let files = FileManager.default
        let folder = files.temporaryDirectory.path + "/fleetctl-verify-" + UUID().uuidString
        try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer {
            // Nothing depends on it: systemd-tmpfiles clears what is left behind.
            try? files.removeItem(atPath: folder)
        }
        for input in inputs + others {
            try Data(input.file.text.utf8).write(to: URL(filePath: folder + "/" + input.name.description))
        }
        let copies = inputs.map { folder + "/" + $0.name.description }
        let result = try await run(
            .name("systemd-analyze"),
            arguments: .init(["--man=no", "--recursive-errors=no", "verify"] + copies),
            environment: .inherit.updating(["SYSTEMD_UNIT_PATH": folder + ":", "SYSTEMD_COLORS": "0"]),
            output: .string(limit: outputBytes),
            error: .string(limit: outputBytes)
        )
        let output = result.standardOutput + result.standardError
        return verdict(output, isSuccess: result.terminationStatus.isSuccess, inputs, folder: folder)
    }

    /// A command that is missing here may be there on the machine that will run the unit, so it is only a warning. What
    /// is said of files that nobody asked about is left out.
    static func verdict(_ output: String, isSuccess: Bool, _ inputs: [Input], folder: String) -> Verdict {
        var verdict = Verdict()
        for line in Set(output.split(separator: "\n")).sorted() {
            var text = String(line)
            for input in inputs {
                let copy = folder + "/" + input.name.description
                if text.hasPrefix(copy) { text = input.file.path + text.dropFirst(copy.count) }
            }
            guard text != line || isAbout(inputs, text) else { continue }
            let isMissingCommand = text.contains(" is not executable: No such file or directory")
            verdict.lines.append(Printable.line(isMissingCommand ? text + " (here; it may be on the machine)" : text))
            if !isSuccess, !isMissingCommand { verdict.hasErrors = true }
        }
        return verdict
    }

    /// False for a line that begins in the name or the path of another unit.
    private static func isAbout(_ inputs: [Input], _ line: String) -> Bool {
        let subject = UnitName.baseName(of: String(line.prefix { $0 != ":" && $0 != " " }))
        guard let unit = try? UnitName(subject) else { return true }
        return inputs.contains { $0.name == unit || $0.name == unit.template }
    }

    private static func isInstalled(_ tool: String, _ path: String) -> Bool {
        path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: $0 + "/" + tool) }
    }
}
