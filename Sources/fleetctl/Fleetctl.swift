import ArgumentParser
import Dispatch

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
        Move.self, ListUnits.self, ListUnitFiles.self,
        ListMachines.self, Cordon.self, Uncordon.self, Drain.self, Forget.self, BrakeCommand.self, Volumes.self,
        Status.self, Why.self, Events.self, Journal.self, Cat.self, Verify.self,
        ConfigCommand.self, SecretCommand.self, Registry.self, Version.self,
        FdForward.self, SSH.self,
    ]
}

/// A command of fleetctl. `run(in:)` replaces ArgumentParser's `run()` so that a test can give a command its
/// surroundings and read its exit status. Synchronous: one request on one socket needs no second thread.
protocol FleetctlCommand: ParsableCommand {
    /// Returns the exit status. Throws `Failure` for what went wrong, with the text for standard error.
    func run(in context: Context) throws -> Int32
}

/// A command that starts other programs, which the library for it does asynchronously.
protocol SlowFleetctlCommand: ParsableCommand, Sendable {
    /// See `FleetctlCommand.run(in:)`.
    func run(in context: Context) async throws -> Int32
}

@main
enum Main {
    static func main() {
        switch Invocation.start(Array(CommandLine.arguments.dropFirst()), in: .ofProcess()) {
        case .finished(let status):
            Process.exit(status)
        case .slow(let rest):
            Task { Process.exit(await rest()) }
            dispatchMain()
        }
    }
}
