import Glibc
import NIOCore
import Synchronization

/// Who is at the other end of a connection, as the kernel says.
enum Peer {
    /// `root (uid 0)` on a unix socket; what a change is recorded under. `unknown` where there are no credentials.
    static func name(of channel: any Channel) async -> String {
        guard let options = channel as? any SocketOptionProvider else { return unknown }
        let future: EventLoopFuture<Credentials> = options.unsafeGetSocketOption(
            level: .socket,
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        )
        guard let credentials = try? await future.get(), credentials.pid != 0 else { return unknown }
        return describe(uid: credentials.uid)
    }

    /// `struct ucred` of unix(7).
    private struct Credentials: Sendable {
        var pid: pid_t
        var uid: uid_t
        var gid: gid_t
    }

    static let unknown = "unknown"

    static func describe(uid: uid_t) -> String {
        guard let name = names.withLock({ $0[uid] }) ?? lookUp(uid) else { return "uid \(uid)" }
        names.withLock { names in
            if names.count < maximumNames { names[uid] = name }
        }
        return "\(name) (uid \(uid))"
    }

    /// Looked up once per user: the answer may have to come from a directory server.
    private static let names = Mutex<[uid_t: String]>([:])
    private static let maximumNames = 1024
    /// getpwuid_r(3): a record that does not fit into this is not worth a larger buffer.
    private static let bufferBytes = 16 << 10

    private static func lookUp(_ uid: uid_t) -> String? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: bufferBytes) { buffer in
            guard let start = buffer.baseAddress, getpwuid_r(uid, &record, start, buffer.count, &found) == 0,
                let name = found?.pointee.pw_name
            else { return nil }
            return String(validatingCString: name)
        }
    }
}
