import Glibc

/// Copies bytes both ways between a pair of descriptors and a unix socket until both sides have ended.
enum Splice {
    static func run(socket path: String, input: Int32, output: Int32) throws(Failure) {
        let stream: UnixStream
        do {
            stream = try UnixStream.connect(path, limit: Settings.standardTimeout)
        } catch {
            throw Failure("fleetctl: cannot connect to \(path): \(Process.message(of: error.code))")
        }
        let connection = stream.descriptor
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
}
