import ArgumentParser
import NIOCore

/// The root command. It does nothing itself: without a command it prints its help.
struct Fleetctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleetctl",
        abstract: "Run systemd units on a fleet of machines.",
        discussion: """
            A command name may be shortened while it stays unambiguous: `fleetctl list-m`.
            Every global option can also be given as FLEETCTL_NAME: FLEETCTL_ENDPOINT for --endpoint.
            """,
        subcommands: commands
    )

    /// In the order of the help text.
    static let commands: [any ParsableCommand.Type] = [
        Submit.self, Load.self, Start.self, Stop.self, Restart.self, Unload.self, Destroy.self, ResetFailed.self,
        ListUnits.self, ListUnitFiles.self, ListMachines.self,
        Status.self, Why.self, Journal.self, Cat.self, Verify.self, Version.self,
        FdForward.self, SSH.self,
    ]
}

/// A command of fleetctl. `run(in:)` replaces ArgumentParser's `run()` so that a test can give a command its
/// surroundings and read its exit status.
protocol FleetctlCommand: ParsableCommand {
    /// Returns the exit status. Throws `Failure` for what went wrong, with the text for standard error.
    func run(in context: Context) async throws -> Int32
}

@main
enum Main {
    static func main() async {
        // One connection needs one loop; the default is a thread for each core.
        NIOSingletons.groupLoopCountSuggestion = 1
        let status = await Invocation.run(Array(CommandLine.arguments.dropFirst()), in: .ofProcess())
        Process.exit(status)
    }
}
