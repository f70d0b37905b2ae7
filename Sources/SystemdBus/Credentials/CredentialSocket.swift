import CSystemd
import FleetAgent
package import FleetRuntime
import Glibc
import Synchronization

/// The socket on which systemd asks for units' credentials, with a thread of its own that waits for connections.
package final class CredentialSocket: CredentialListener {
    /// Where systemd finds it; `fleetd-credentials.socket` makes it.
    package static let path = "/run/fleet/credentials.sock"
    /// `FileDescriptorName=` of that unit.
    package static let name = "credentials"

    private let descriptor: Int32
    private let wakeUp: Int32
    private let isStopped = Mutex(false)

    /// How long to wait for a descriptor, in milliseconds.
    private static let pause: Int32 = 100

    /// How long a peer may take to read its answer: systemd reads at once.
    private static let patience = timeval(tv_sec: 10, tv_usec: 0)

    /// `descriptor` listens already, as systemd passes it.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(wakeUp >= 0, "eventfd failed with errno \(errno)")
    }

    /// A socket of our own, for running without systemd's.
    package convenience init(path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Disk.failure("making a socket for", path) }
        _ = unlink(path)
        var (address, length) = Self.address(path)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        guard isBound, chmod(path, 0o600) == 0, Glibc.listen(descriptor, SOMAXCONN) == 0 else {
            let failure = Disk.failure("listening on", path)
            close(descriptor)
            throw failure
        }
        self.init(descriptor: descriptor)
    }

    package func listen() -> AsyncStream<CredentialCall> {
        let (calls, continuation) = AsyncStream.makeStream(of: CredentialCall.self)
        OwnThread.start { [self] in
            while !isStopped.withLock({ $0 }) {
                guard let connection = accept() else { continue }
                continuation.yield(call(on: connection))
            }
            continuation.finish()
        }
        return calls
    }

    package func stop() {
        isStopped.withLock { $0 = true }
        var one: UInt64 = 1
        _ = write(wakeUp, &one, 8)
    }

    /// Waits for a connection; nil when there is none after all.
    private func accept() -> Int32? {
        var sources = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&sources, 2, -1) > 0, sources[1].revents == 0 else { return nil }
        let connection = Glibc.accept(descriptor, nil, nil)
        guard connection >= 0 else {
            // Without a descriptor to spare, the connection goes on waiting in the socket, and nobody spins meanwhile.
            if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { _ = poll(&sources[1], 1, Self.pause) }
            return nil
        }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        return connection
    }

    private func call(on connection: Int32) -> CredentialCall {
        let peer = Self.isRoot(connection) ? Self.address(of: connection).flatMap(CredentialPeer.init(address:)) : nil
        return CredentialCall(peer: peer) { content in
            // systemd reads at once; a thread, because a peer that does not must block nobody.
            await OwnThread.run {
                Self.send(content ?? Self.refusal, on: connection)
                close(connection)
            }
        }
    }

    /// More than systemd takes for a credential (1 MiB): it fails the start (`243/CREDENTIALS`). Seen with 257.
    private static let refusal = [UInt8](repeating: 0, count: (1 << 20) + 4096)

    private static func send(_ bytes: [UInt8], on connection: Int32) {
        var patience = patience
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let rest = buffer.baseAddress.map { $0 + sent }
                let count = Glibc.send(connection, rest, buffer.count - sent, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                // Gone: it has what it wants to know.
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    private static func isRoot(_ connection: Int32) -> Bool {
        // `struct ucred` of unix(7).
        var credentials: (pid: pid_t, uid: uid_t, gid: gid_t) = (0, .max, .max)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return false }
        return credentials.uid == 0
    }

    /// The peer's abstract address, without the zero byte; nil for another kind of address, and for none.
    private static func address(of connection: Int32) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(connection, $0, &length) }
        }
        let count = Int(length) - MemoryLayout<sa_family_t>.size
        guard result == 0, count > 1, count <= MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        let bytes = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix(count)) }
        guard bytes.first == 0 else { return nil }
        return String(validating: bytes.dropFirst(), as: UTF8.self)
    }

    private static func address(_ path: String) -> (sockaddr_un, socklen_t) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            buffer.copyBytes(from: Array(path.utf8).prefix(buffer.count - 1))
        }
        return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
}
