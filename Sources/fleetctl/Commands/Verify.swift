import ArgumentParser
import FleetAPI

/// `verify`: checks unit files before they are submitted.
struct Verify: SlowFleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check unit files before submitting them.",
        discussion: """
            Applies fleet's own rules, and systemd-analyze verify and podman's Quadlet generator where they are installed.
            Nothing is sent. Exits 1 if a file has an error.
            """
    )

    @Argument(help: ArgumentHelp("Paths of unit files.", valueName: "file"))
    var files: [String] = []

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) async throws -> Int32 {
        var found: [SystemdAnalyze.Input] = []
        var containers: [UnitReference] = []
        var hasErrors = false
        for unit in try UnitArgument.all(files) {
            guard let file = try LocalFile.read(unit.path) else {
                context.console.complain("\(unit.path): there is no such file")
                hasErrors = true
                continue
            }
            do {
                if let source = unit.source {
                    _ = try QuadletFiles.check(source, file)
                    containers.append(try unit.reference())
                    for absent in try QuadletFiles.absent(beside: source, file) {
                        context.console.complain("warning: \(absent)")
                    }
                } else {
                    found.append(SystemdAnalyze.Input(name: unit.name, file: file))
                    try FileCheck.throwError(unit.name, file)
                    _ = try unit.reference()
                }
                for warning in FileCheck.warnings(unit.name, file, source: unit.source) {
                    context.console.complain("warning: \(warning)")
                }
            } catch {
                context.console.complain(error.text)
                hasErrors = true
            }
        }
        let complaints = try await QuadletDryRun.complaints(about: containers, program: QuadletDryRun.installed)
        for complaint in complaints { context.console.complain(complaint) }
        let others = try TriggeredUnit.files(for: found)
        let path = context.environment["PATH"] ?? ""
        let verdict = try await SystemdAnalyze.verify(found, beside: others, path: path)
        for line in verdict.lines { context.console.complain(line) }
        hasErrors = hasErrors || verdict.hasErrors || !complaints.isEmpty
        return hasErrors ? ExitStatus.failure : ExitStatus.success
    }
}
