import CSystemd
import Glibc

/// Runs a program to its end, or kills it. Blocks: not for a thread that others wait for.
enum ChildProcess {
    enum Outcome: Hashable, Sendable {
        /// With what it wrote to its standard output and error; `status` is -1 when a signal ended it.
        case ended(status: Int32, String)
        case tooLate
        case impossible(String)
    }

    /// `command` begins with the path of the program. More than `bytes` of its words are thrown away.
    static func run(
        _ command: [String],
        environment: [String: String],
        within patience: Duration,
        bytes: Int
    ) -> Outcome {
        var ends: [Int32] = [0, 0]
        // Glibc's module has no pipe2(2), and a pipe that another child inherits would not end with this one.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return .impossible(errorText(errno)) }
        defer { close(ends[0]) }
        let (child, error) = spawn(command, environment, output: ends[1])
        close(ends[1])
        guard error == 0 else { return .impossible("\(command.first ?? ""): \(errorText(error))") }
        let deadline = ContinuousClock.now.advanced(by: patience)
        let (output, isWhole) = read(ends[0], until: deadline, bytes: bytes)
        // It may have closed its output and go on, and children of its may hold the output open.
        if !isWhole { kill(child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { return .impossible(errorText(errno)) }
        }
        guard isWhole else { return .tooLate }
        let hasExited = status & 0x7f == 0
        return .ended(status: hasExited ? (status >> 8) & 0xff : -1, output)
    }

    private static func spawn(
        _ command: [String],
        _ environment: [String: String],
        output: Int32
    ) -> (child: pid_t, error: Int32) {
        guard let program = command.first else { return (0, ENOENT) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // fleetd blocks signals that it reads itself; a child has to be stoppable.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        let error = posix_spawn(&child, program, &actions, &attributes, &arguments, &variables)
        return (child, error)
    }

    /// What comes until the end or the deadline, and whether the end was seen.
    private static func read(_ file: Int32, until deadline: ContinuousClock.Instant, bytes: Int) -> (String, Bool) {
        var kept: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return ("", false) }
            var wanted = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            let ready = poll(&wanted, 1, Int32(clamping: milliseconds + 1))
            guard ready > 0 else {
                if ready < 0, errno == EINTR { continue }
                return ("", false)
            }
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return ("", false) }
            if count == 0 { return (String(decoding: kept, as: UTF8.self), true) }
            kept += chunk[..<min(count, max(0, bytes - kept.count))]
        }
    }
}
