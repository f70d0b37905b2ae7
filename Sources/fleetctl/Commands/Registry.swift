import ArgumentParser
import FleetAPI
import FleetModel
import FoundationEssentials

/// `registry export` and `registry import`: takes a fleet from one registry to another.
struct Registry: FleetctlCommand {
    enum Action: String, ExpressibleByArgument, CaseIterable {
        case export, `import`
    }

    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Take a fleet from one registry to another.",
        discussion: """
            'registry export >FILE' writes all that is durable in the registry. 'registry import FILE' puts it into the \
            registry that fleetd uses now, which must be empty. Units that run are not touched by either.
            """
    )

    @Argument(help: ArgumentHelp("export, or import.", valueName: "action"))
    var action: Action

    @Argument(help: ArgumentHelp("The export to import; - is standard input.", valueName: "file"))
    var file: String?

    @Flag(help: "Import nothing: the registry is a new fleet's. Units of another one on this machine are stopped.")
    var empty = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        switch action {
        case .export:
            guard file == nil, !empty else { throw ValidationError("'registry export' writes to standard output.") }
        case .import:
            guard (file != nil) != empty else { throw ValidationError("'registry import' needs a file, or --empty.") }
        }
    }

    func run(in context: Context) throws -> Int32 {
        let client = try APIClient(global, in: context)
        switch action {
        case .export:
            var text = ""
            var lines = 0
            try client.exportRegistry { line in
                text += String(decoding: line, as: UTF8.self) + "\n"
                lines += 1
            }
            context.console.write(text + (try ExportText.end(of: text, lines: lines)))
        case .import:
            let export = try file.map { try ExportText(Self.text(of: $0), from: $0) }
            try client.importRegistry(ImportRequest(step: .begin))
            for some in export?.pieces() ?? [] {
                try client.importRegistry(ImportRequest(step: .entries, entries: some))
            }
            let finish = ImportRequest(
                step: .finish,
                count: export?.entries.count ?? 0,
                minimumReader: export?.header.minimumReader ?? 1
            )
            try client.importRegistry(finish)
            context.console.print("Imported \(finish.count) entries")
        }
        return ExitStatus.success
    }

    private static func text(of path: String) throws(Failure) -> String {
        let place = path == "-" ? "/dev/stdin" : path
        do {
            let data = try Data(contentsOf: URL(filePath: place))
            guard let text = String(validating: data, as: UTF8.self) else {
                throw Failure("\(path): is not UTF-8 text")
            }
            return text
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("\(path): cannot be read: \(error)")
        }
    }
}
