import FleetModel
import Synchronization

/// All that a command takes from its surroundings, so that a test runs commands in its own process.
struct Context: Sendable {
    var console: any Console
    var environment: [String: String]
    var zone: Zone
    var now: @Sendable () -> Timestamp
    /// Called when Ctrl-C means something else than before.
    var onInterrupt: @Sendable (InterruptMeaning) -> Void
    /// fleet's options that were given and have no meaning any more.
    var retired = RetiredOptions()
    /// The file descriptors of `fd-forward`.
    var input: Int32 = 0
    var output: Int32 = 1

    static func ofProcess() -> Context {
        Context(
            console: Terminal(),
            environment: Process.environment,
            zone: .local,
            now: { Process.now() },
            onInterrupt: { Process.arm($0) }
        )
    }
}

/// Where a command's text goes.
protocol Console: Sendable {
    /// Writes a result as it is, with no newline added.
    func write(_ text: String)
    /// Writes a line to standard error.
    func complain(_ line: String)
}

extension Console {
    /// Writes a result and a newline, unless it ends in one.
    func print(_ text: String) { write(text.hasSuffix("\n") ? text : text + "\n") }
}

/// Standard output and standard error, unbuffered: a line that was printed was also seen, however the process ends.
struct Terminal: Console {
    func write(_ text: String) {
        // A reader that has gone away (`fleetctl list-units | head -1`) is no error of ours.
        if !Process.write(text, to: 1) { Process.exit(ExitStatus.failure) }
    }

    func complain(_ line: String) {
        // Nobody is left to be told when standard error is closed.
        _ = Process.write(line + "\n", to: 2)
    }
}
