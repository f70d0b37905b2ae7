import ArgumentParser

/// `verify`: checks unit files before they are submitted.
struct Verify: SlowFleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check unit files before submitting them.",
        discussion: """
            Applies fleet's own rules, and systemd-analyze verify where it is installed. Nothing is sent. Exits 1 if a file
            has an error.
            """
    )

    @Argument(help: ArgumentHelp("Paths of unit files.", valueName: "file"))
    var files: [String] = []

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) async throws -> Int32 {
        var found: [SystemdAnalyze.Input] = []
        var hasErrors = false
        for unit in try UnitArgument.all(files) {
            guard let file = try LocalFile.read(unit.path) else {
                context.console.complain("\(unit.path): there is no such file")
                hasErrors = true
                continue
            }
            if let source = unit.source {
                do {
                    _ = try QuadletFiles.check(source, file)
                } catch {
                    context.console.complain(error.text)
                    hasErrors = true
                }
                continue
            }
            found.append(SystemdAnalyze.Input(name: unit.name, file: file))
            if let error = FileCheck.error(unit.name, file) {
                context.console.complain(error)
                hasErrors = true
            } else {
                for warning in FileCheck.warnings(unit.name, file) { context.console.complain("warning: \(warning)") }
            }
        }
        let others = try TriggeredUnit.files(for: found)
        let path = context.environment["PATH"] ?? ""
        let verdict = try await SystemdAnalyze.verify(found, beside: others, path: path)
        for line in verdict.lines { context.console.complain(line) }
        return hasErrors || verdict.hasErrors ? ExitStatus.failure : ExitStatus.success
    }
}
