import ArgumentParser
import FleetAPI

/// One run of fleetctl, from the arguments to the exit status.
enum Invocation {
    /// How far a command has come.
    enum Progress {
        case finished(Int32)
        /// The rest has to be awaited.
        case slow(@Sendable () async -> Int32)
    }

    /// Never throws: every error ends as text on standard error and an `ExitStatus`.
    static func start(_ arguments: [String], in context: Context) -> Progress {
        var context = context
        var arguments = arguments
        do {
            context.retired = try RetiredOptions(takenFrom: &arguments)
            var command = try parse(ArgumentRewriter.fleetctl.rewrite(arguments))
            if let ours = command as? any FleetctlCommand { return .finished(try ours.run(in: context)) }
            if let slow = command as? any SlowFleetctlCommand {
                return .slow { [context] in
                    do { return try await slow.run(in: context) } catch { return report(error, in: context) }
                }
            }
            try command.run()
            return .finished(ExitStatus.success)
        } catch {
            return .finished(report(error, in: context))
        }
    }

    /// Asks the command itself first: the way through the root command builds what all commands accept, which takes
    /// longer than all the rest of fleetctl. The root knows better how to word errors and help.
    private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        if let name = arguments.first, let type = Fleetctl.commands.first(where: { $0._commandName == name }),
            let command = try? type.parseAsRoot(Array(arguments.dropFirst())),
            // Not the help that ArgumentParser answers `--help` with: it would not know fleetctl's name.
            Swift.type(of: command) == type
        {
            return command
        }
        return try Fleetctl.parseAsRoot(arguments)
    }

    private static func report(_ error: any Error, in context: Context) -> Int32 {
        switch error {
        case let failure as Failure: report(failure, in: context)
        case let refusal as APIError: report(Failure("fleetctl: \(refusal.error.message)"), in: context)
        default: report(parser: error, in: context)
        }
    }

    private static func report(_ failure: Failure, in context: Context) -> Int32 {
        if !failure.text.isEmpty { context.console.complain(failure.text) }
        return failure.status
    }

    /// ArgumentParser throws help requests (for standard output, status 0) and usage errors alike, the latter with
    /// `EX_USAGE`; scripts get the 2 that every other tool of systemd machines uses.
    private static func report(parser error: any Error, in context: Context) -> Int32 {
        let code = Fleetctl.exitCode(for: error)
        if code.isSuccess {
            context.console.print(Fleetctl.fullMessage(for: error))
            return ExitStatus.success
        }
        guard code == .validationFailure else {
            context.console.complain("fleetctl: \(error)")
            return ExitStatus.failure
        }
        let lines = Fleetctl.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
        var text = lines.joined(separator: "\n")
        if text.hasPrefix("Error: ") { text = "fleetctl: " + text.dropFirst("Error: ".count) }
        context.console.complain(text)
        return ExitStatus.usage
    }
}

/// Exit statuses, as documented in docs/fleetctl.md.
enum ExitStatus {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 2
    /// `status`: the unit is not active (LSB, as `systemctl status`).
    static let notRunning: Int32 = 3
    /// `status`: there is no such unit (LSB, as `systemctl status`).
    static let noSuchUnit: Int32 = 4
    /// Ended by SIGINT, as shells count it.
    static let interrupted: Int32 = 130
}

/// Why a command ends: the whole text for standard error, and the exit status.
struct Failure: Error, Hashable, Sendable {
    /// Complete lines, without the last newline; empty when everything was said before.
    var text: String
    var status: Int32

    init(_ text: String, status: Int32 = ExitStatus.failure) {
        self.text = text
        self.status = status
    }

    /// A failure that was already reported line by line.
    static let reported = Failure("")

    /// A mistake in the arguments or the environment.
    static func usage(_ message: String) -> Failure {
        Failure("fleetctl: \(message)", status: ExitStatus.usage)
    }

    /// fleet's words for a command that needs a unit.
    static let noUnits = Failure.usage("No units given")
}
