import Subprocess

/// How a command ended.
package struct CommandResult: Hashable, Sendable, CustomStringConvertible {
    /// The command line, for messages.
    package var command: String
    /// The exit status; 128 plus the number when a signal ended it, as a shell says it.
    package var status: Int32
    package var standardOutput: String
    package var standardError: String

    package var succeeded: Bool { status == 0 }

    /// Output lines without the last line break.
    package var lines: [Substring] { standardOutput.split(separator: "\n", omittingEmptySubsequences: true) }

    package var description: String {
        "\(command): exit status \(status)\n\(standardOutput)\(standardError)"
    }

    /// The result itself when the command succeeded; otherwise an error with everything it said.
    @discardableResult
    package func checked() throws -> CommandResult {
        guard succeeded else { throw LabError(description) }
        return self
    }
}

/// Commands on the host.
package enum HostCommand {
    /// Bytes kept of each output stream; a test's command that says more is broken.
    private static let outputLimit = 64 << 20

    /// Runs a command and waits for it.
    ///
    /// timeout(1) bounds the wait: it ends the command from outside, whatever state this process is in, and says 124.
    package static func run(
        _ command: [String],
        input: String = "",
        limit: Duration = .seconds(120)
    ) async throws -> CommandResult {
        let bounded = ["--kill-after=5", "\(limit.components.seconds)"] + command
        let result = try await Subprocess.run(
            .name("timeout"),
            arguments: Arguments(bounded),
            input: .string(input),
            output: .string(limit: outputLimit),
            error: .string(limit: outputLimit)
        )
        let status: Int32
        switch result.terminationStatus {
        case .exited(let code): status = code
        case .signaled(let signal): status = 128 + signal
        }
        return CommandResult(
            command: command.joined(separator: " "),
            status: status,
            standardOutput: result.standardOutput,
            standardError: result.standardError
        )
    }

    /// Runs a command with this process's own standard streams (a shell, say) and returns its exit status.
    package static func runAttached(_ command: [String]) async throws -> Int32 {
        guard let name = command.first else { throw LabError("no command given") }
        let result = try await Subprocess.run(
            .name(name),
            arguments: Arguments(Array(command.dropFirst())),
            input: .currentStandardInput,
            output: .currentStandardOutput,
            error: .currentStandardError
        )
        switch result.terminationStatus {
        case .exited(let code): return code
        case .signaled(let signal): return 128 + signal
        }
    }
}
