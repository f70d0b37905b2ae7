import FleetRuntime
import Glibc

/// Exclusive ownership of a registry: flock(2) on a file beside it, which holds the owner's process id. The kernel
/// gives the lock back when the process ends, however it ends, so a lock file that was left behind means nothing.
struct StoreLock: ~Copyable {
    private let descriptor: Int32

    /// Throws `inUse` when another process, or another store in this one, has the lock.
    init(path: String, registry: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                .unavailable,
                "Cannot open '\(path)': \(systemError()). The registry's folder must exist and be writable by fleetd."
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            let owner = Self.readOwner(descriptor)
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw StoreError(.unavailable, "Cannot lock '\(path)': \(systemError(reason)).")
            }
            throw StoreError(
                .inUse,
                "The registry '\(registry)' is already open in \(owner.map { "process \($0)" } ?? "another process"); "
                    + "only one fleetd may use it. Stop that one first."
            )
        }
        self.descriptor = descriptor
        Self.write(owner: "\(getpid())\n", to: descriptor)
    }

    /// Unlocks before closing: a child process that is being started may have a copy of the descriptor for a moment.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The number is for people; a lock without it is as good a lock, so a full disk is no reason to refuse.
    private static func write(owner: String, to descriptor: Int32) {
        guard ftruncate(descriptor, 0) == 0 else { return }
        let bytes = Array(owner.utf8)
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == bytes.count else {
            _ = ftruncate(descriptor, 0)
            return
        }
    }

    private static func readOwner(_ descriptor: Int32) -> Int? {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return nil }
        return Int(String(decoding: buffer.prefix(count).prefix { $0 != 10 }, as: UTF8.self))
    }
}

/// What errno(3) says.
func systemError(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
