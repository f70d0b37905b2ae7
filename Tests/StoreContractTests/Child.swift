import Foundation
import Glibc
import Synchronization

/// The `store-crash` program beside the tests, or any other, as a child process whose output is read.
struct Child {
    let process: pid_t
    private let output: Int32

    static let crasher = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "store-crash").path

    /// One child at a time is made, so that none inherits the end of another's pipe.
    private static let making = Mutex(())

    init(_ program: String = crasher, _ arguments: String...) throws {
        (process, output) = try Self.making.withLock { _ in try Self.spawn([program] + arguments) }
    }

    private static func spawn(_ command: [String]) throws -> (pid_t, Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw POSIXError(.EBADF) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var process = pid_t()
        var words = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let code = posix_spawnp(&process, command[0], &actions, nil, &words, environ)
        close(ends[1])
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        return (process, ends[0])
    }

    /// Waits for the first byte of output, or for the end of it.
    func waitForOutput() {
        var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, 10_000)
    }

    func kill() { Glibc.kill(process, SIGKILL) }

    /// Everything the child said, once it has ended; nil when it failed.
    func finish() -> (text: String, succeeded: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(output, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        close(output)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return (String(decoding: bytes, as: UTF8.self), status == 0)
    }
}

/// A generator whose sequence depends on its seed alone (SplitMix64, Steele and others 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
