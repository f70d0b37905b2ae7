import ArgumentParser
import FleetModel
import FleetRuntime
import Glibc
import Logging

/// The daemon of every machine: API, engine and agent in one process. What it does is in `Daemon.swift`.
@main struct Fleetd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleetd",
        abstract: "Runs the units of a fleet on this machine.",
        discussion: """
            Settings come from the configuration file and from FLEET_* variables; see fleet.conf(5) or \
            docs/configuration.md. fleetd wants to be started by systemd, which gives it its socket.
            """,
        version: "fleetd \(FleetVersion.text)"
    )

    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: ArgumentHelp("The folder of the embedded registry.", visibility: .hidden))
    var state = "/var/lib/fleet"

    @Option(help: ArgumentHelp("Listen here when systemd has passed no socket.", visibility: .hidden))
    var socket = "/run/fleet.sock"

    /// `fleetd version`, as old fleet had it.
    @Argument(help: ArgumentHelp("", visibility: .hidden))
    var word: String?

    func validate() throws {
        if let word, word != "version" { throw ValidationError("Unexpected argument '\(word)'") }
    }

    func run() async throws {
        if word == "version" {
            print("fleetd version \(FleetVersion.text)")
            return
        }
        do {
            try await Daemon(configurationPath: config, stateFolder: state, socketPath: socket).run()
        } catch {
            // systemd marks the unit failed and restarts it; the line says why.
            Daemon.log.critical("\(error)")
            throw ExitCode.failure
        }
    }

    /// Usage errors exit with 2, as systemctl's users expect; ArgumentParser would say 64.
    static func main() async {
        MemoryThrift.configure()
        OneThread.install()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            let message = Array("\(fullMessage(for: error))\n".utf8)
            _ = message.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            Glibc.exit(2)
        }
    }
}
