import CSystemd
import Glibc

/// A socket that systemd opened for this service (sd_listen_fds(3)).
package struct ActivatedSocket: Hashable, Sendable {
    package var descriptor: Int32
    /// `FileDescriptorName=` of the socket unit; `unknown` without.
    package var name: String
    /// A listening `AF_UNIX` stream socket.
    package var isUnixStream: Bool
    /// The path it is bound to; empty for another kind of socket and for an abstract or unbound one.
    package var path: String

    /// What systemd passed, in order. Call it once, early: it takes the variables out of the environment so that
    /// children do not take the sockets for theirs.
    package static func takeAll() -> [ActivatedSocket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        defer {
            for index in 0..<max(0, Int(count)) { free(names?[index]) }
            free(names)
        }
        guard count > 0 else { return [] }
        return (0..<count).map { index in
            let name = names?[Int(index)].map { String(cString: $0) } ?? ""
            return ActivatedSocket(descriptor: 3 + index, name: name)
        }
    }

    package init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        isUnixStream = sd_is_socket_unix(descriptor, Int32(SOCK_STREAM.rawValue), 1, nil, 0) > 0
        path = isUnixStream ? Self.path(of: descriptor) : ""
    }

    private static func path(of descriptor: Int32) -> String {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return "" }
        let bytes = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix { $0 != 0 }) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
