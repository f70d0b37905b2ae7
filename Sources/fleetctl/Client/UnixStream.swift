import Glibc

/// A connection to a unix socket, closed at the end of its scope. All calls block; a time limit is given with each.
struct UnixStream: ~Copyable {
    /// An error number of the operating system.
    struct SystemError: Error, Hashable {
        var code: Int32
    }

    /// The limit has passed.
    struct TimedOut: Error {}

    let descriptor: Int32

    /// Connects. `limit` bounds the wait for a listener whose queue is full, and every write.
    static func connect(_ path: String, limit: Duration) throws(SystemError) -> UnixStream {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let stream = try UnixStream()
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        guard setsockopt(stream.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size) == 0 else {
            throw SystemError(code: errno)
        }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(stream.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw SystemError(code: errno) }
        return stream
    }

    private init() throws(SystemError) {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
    }

    deinit { close(descriptor) }

    /// Sends everything; false when the other side has closed, which may have sent an answer before.
    func send(_ bytes: [UInt8]) throws(SystemError) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE || errno == ECONNRESET { return false }
                throw SystemError(code: errno)
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The next bytes, at most as many as `buffer` holds; 0 at the end. Without a deadline it waits for ever.
    func receive(
        into buffer: inout [UInt8],
        until deadline: ContinuousClock.Instant?
    ) throws -> Int {
        while true {
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = poll(&ready, 1, Self.milliseconds(until: deadline))
            if count == 0 { throw TimedOut() }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError(code: errno)
            }
            let received = recv(descriptor, &buffer, buffer.count, 0)
            if received >= 0 { return received }
            if errno == ECONNRESET { return 0 }
            guard errno == EINTR || errno == EAGAIN else { throw SystemError(code: errno) }
        }
    }

    /// For poll(2): rounded up, so that it does not wake early and spin; -1 waits for ever.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = deadline - .now
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
