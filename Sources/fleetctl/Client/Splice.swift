import Glibc

/// Copies bytes both ways between a pair of descriptors and a unix socket until both sides have ended.
enum Splice {
    static func run(socket path: String, input: Int32, output: Int32) throws(Failure) {
        let connection = try connect(path)
        defer { close(connection) }
        var isInputOpen = true
        while true {
            var ready = [
                pollfd(fd: connection, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isInputOpen ? input : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ready, nfds_t(ready.count), -1) >= 0 || errno == EINTR else {
                throw Failure("fleetctl: cannot wait for data: \(Process.message(of: errno))")
            }
            if ready[0].revents != 0, try !copy(from: connection, to: output) { return }
            if isInputOpen, ready[1].revents != 0, try !copy(from: input, to: connection) {
                // The answer may still be under way.
                isInputOpen = false
                shutdown(connection, Int32(SHUT_WR))
            }
        }
    }

    /// Copies what is there; false at the end of `source`.
    private static func copy(from source: Int32, to sink: Int32) throws(Failure) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(source, &chunk, chunk.count)
        if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
        guard count >= 0 else { throw Failure("fleetctl: cannot read: \(Process.message(of: errno))") }
        if count == 0 { return false }
        let isWritten = chunk.withUnsafeBytes {
            Process.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), to: sink)
        }
        guard isWritten else { throw Failure("fleetctl: cannot write: \(Process.message(of: errno))") }
        return true
    }

    private static func connect(_ path: String) throws(Failure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure("fleetctl: the socket's path \(path) is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let connection = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { throw Failure("fleetctl: no socket: \(Process.message(of: errno))") }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            let code = errno
            close(connection)
            throw Failure("fleetctl: cannot connect to \(path): \(Process.message(of: code))")
        }
        return connection
    }
}
