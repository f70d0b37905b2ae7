import FleetAPI
import FleetModel
import FoundationEssentials
import Subprocess
import UnitFile

/// Podman's Quadlet generator on files that are not installed. It writes nothing then.
enum QuadletDryRun {
    /// More output than this is no longer read by anybody.
    private static let outputBytes = 1 << 20

    /// What it has against `units`, given the files that lie beside them; nothing where it is not installed (nil) or is
    /// older than a file asks for: another machine may have what it lacks.
    static func complaints(about units: [UnitReference], program: String?) async throws -> [String] {
        guard let program, !units.isEmpty else { return [] }
        let version = try await run(program, ["-version"], folder: "/")
        guard let podman = PodmanVersion(version) else { return [] }
        let files = FileManager.default
        let folder = files.temporaryDirectory.path + "/fleetctl-quadlet-" + UUID().uuidString
        try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer {
            // Nothing depends on it: systemd-tmpfiles clears what is left behind.
            try? files.removeItem(atPath: folder)
        }
        let all = units + (try QuadletFiles.companions(of: units))
        for unit in all {
            guard let source = unit.source, let text = unit.text ?? unit.template else { continue }
            try Data(text.utf8).write(to: URL(filePath: folder + "/" + source.description))
        }
        let output = try await run(program, ["-dryrun", "-no-kmsg-log"], folder: folder)
        return units.compactMap { unit in
            guard let source = unit.source, let text = unit.text, judges(podman, source, text, all),
                let words = QuadletProgram.ownWords(about: source, in: output)
            else { return nil }
            return Printable.line("\(unit.path ?? source.description): podman does not accept it: \(words)")
        }
    }

    /// The machine's own generator.
    static var installed: String? { QuadletProgram.places.first { FileManager.default.isExecutableFile(atPath: $0) } }

    /// It knows all that the file says, and has all that it names.
    private static func judges(
        _ podman: PodmanVersion,
        _ source: QuadletName,
        _ text: String,
        _ all: [UnitReference]
    ) -> Bool {
        guard let file = try? ParsedUnitFile.parse(text) else { return false }
        let facts = QuadletFacts(of: source.kind, file)
        return facts.podman.version <= podman
            && facts.references.allSatisfy { name in all.contains { $0.source == name } }
    }

    private static func run(_ program: String, _ arguments: [String], folder: String) async throws -> String {
        // env(1) takes a path as a text; Subprocess has a type of another package for that.
        let result = try await Subprocess.run(
            .name("env"),
            arguments: .init([program] + arguments),
            environment: .inherit.updating(["QUADLET_UNIT_DIRS": folder]),
            output: .string(limit: outputBytes),
            error: .string(limit: outputBytes)
        )
        return result.standardOutput + result.standardError
    }
}
