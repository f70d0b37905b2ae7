import Foundation
import Glibc

/// A child process that ends with this one, however this one ends: a shell between them waits for the end of a pipe,
/// and then removes what the child wrote.
package final class SupervisedProcess: Sendable {
    /// The process itself, not the shell.
    package let id: Int32
    private let shell: pid_t
    /// Closed when this process ends.
    private let lifeline: Int32

    /// Starts `command` with its output going to the file `log` in `folder`.
    package init(_ command: [String], log: String, folder: String) throws {
        (id, shell, lifeline) = try Self.start(command, log: log, folder: folder)
    }

    private static func start(
        _ command: [String],
        log: String,
        folder: String
    ) throws -> (pid_t, shell: pid_t, lifeline: Int32) {
        let script = #"""
            trap '' INT TERM HUP
            folder=$1; shift
            exec 3>&1 >>"$0" 2>&1
            "$@" 3>&- &
            echo $! >&3; exec 3>&-
            if read -r _; then keep=yes; fi
            kill -9 $!
            wait $!
            [ "$keep" ] || rm -rf "$folder"
            """#
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        guard pipe(&input) == 0, pipe(&output) == 0 else { throw POSIXError(.EMFILE) }
        // What this process starts otherwise must not hold them either.
        for end in input + output where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw POSIXError(.EBADF) }
        let words = ["/bin/sh", "-c", script, log, folder] + command
        let shell = try spawn(words, [input[0], output[1]])
        Glibc.close(input[0])
        Glibc.close(output[1])
        defer { Glibc.close(output[0]) }
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

    /// Kills it and waits until it is gone; what it wrote stays.
    package func end() {
        kill(id, SIGKILL)
        var line = UInt8(ascii: "\n")
        _ = write(lifeline, &line, 1)
        Glibc.close(lifeline)
        var status: Int32 = 0
        waitpid(shell, &status, 0)
    }
}
