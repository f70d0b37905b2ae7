import ArgumentParser
import FleetAPI
import FleetModel

/// `version`: of fleetctl, and of fleetd if asked for.
struct Version: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version of fleetctl."
    )

    @Flag(help: "Also print the version of the fleetd that answers.")
    var daemon = false

    @Flag(help: "Print one JSON document.")
    var json = false

    @OptionGroup var global: GlobalOptions

    /// The document of `--json`.
    struct Document: Encodable {
        var fleetctl: String
        var fleetd: String?
    }

    func run(in context: Context) throws -> Int32 {
        var versions = Document(fleetctl: FleetVersion.text)
        if daemon { versions.fleetd = try APIClient(global, in: context).version().version }
        if json {
            context.console.print(try JSONText.document(versions))
        } else {
            context.console.print("fleetctl version \(versions.fleetctl)")
            if let version = versions.fleetd { context.console.print("fleetd version \(version)") }
        }
        return ExitStatus.success
    }
}
