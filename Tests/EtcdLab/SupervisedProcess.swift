import Foundation
import Glibc

/// A child process that ends with this one, however this one ends: a shell between them waits for the end of a pipe.
package final class SupervisedProcess: Sendable {
    /// The process itself, not the shell.
    package let id: Int32
    private let shell: pid_t
    /// Closed when this process ends.
    private let lifeline: Int32

    /// Starts `command` with its output going to the file `log`.
    package init(_ command: [String], log: String) throws {
        (id, shell, lifeline) = try Self.start(command, log: log)
    }

    private static func start(_ command: [String], log: String) throws -> (pid_t, shell: pid_t, lifeline: Int32) {
        let script = #"exec 3>&1 >>"$0" 2>&1; "$@" 3>&- & echo $! >&3; exec 3>&-; read -r _; kill -9 $!; wait $!"#
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        guard pipe(&input) == 0, pipe(&output) == 0 else { throw POSIXError(.EMFILE) }
        // What this process starts otherwise must not hold them either.
        for end in input + output where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw POSIXError(.EBADF) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        var words = (["/bin/sh", "-c", script, log] + command).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var shell = pid_t()
        // The pool's threads block most signals, and a child would inherit that: the shell would wait for SIGCHLD in vain.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let code = posix_spawn(&shell, "/bin/sh", &actions, &attributes, &words, environ)
        Glibc.close(input[0])
        Glibc.close(output[1])
        defer { Glibc.close(output[0]) }
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        var text = [UInt8](repeating: 0, count: 32)
        let count = read(output[0], &text, 31)
        let line = String(decoding: text.prefix(max(count, 0)), as: UTF8.self)
        guard let id = pid_t(line.filter(\.isNumber)), id > 1 else {
            throw EtcdLabError("\(command.joined(separator: " ")) could not be started; see \(log)")
        }
        return (id, shell, input[1])
    }

    package func signal(_ number: Int32) { kill(id, number) }

    package var isRunning: Bool { kill(id, 0) == 0 }

    /// Kills it and waits until it is gone.
    package func end() {
        kill(id, SIGKILL)
        Glibc.close(lifeline)
        var status: Int32 = 0
        waitpid(shell, &status, 0)
    }
}
