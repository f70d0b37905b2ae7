import Dispatch
import Glibc
import Synchronization

/// A client that sends exactly the bytes it is given, on a unix socket, and waits outside of Swift's own threads: the
/// server under test needs those.
final class RawClient: Sendable {
    struct Failure: Error, CustomStringConvertible { var description: String }

    /// Nothing a test waits for takes longer.
    static let deadline: Int32 = 20_000

    private let descriptor: CInt
    private let isOpen = Mutex(true)
    /// A serial queue has a thread of its own; the global ones share theirs with Swift's executor.
    private let queue = DispatchQueue(label: "client")

    init(path: String) throws {
        descriptor = try Self.open(path) { connect($0, $1, $2) }
    }

    /// A socket as systemd passes it: bound, and listening.
    static func listen(_ path: String) throws -> CInt {
        try open(path) { descriptor, address, length in
            bind(descriptor, address, length) == 0 ? Glibc.listen(descriptor, 16) : -1
        }
    }

    private static func open(
        _ path: String,
        _ body: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws -> CInt {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "socket: \(errno)") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw Failure(description: "\(path): \(errno)")
        }
        return descriptor
    }

    deinit { shut() }

    func shut() {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        if wasOpen { close(descriptor) }
    }

    /// Writes all of `bytes`, or as much as the server takes before it hangs up.
    func send(_ bytes: [UInt8]) async throws {
        try await blocking { descriptor in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// What has come when `isEnough` says so or the server hangs up. Throws after the deadline.
    func receive(until isEnough: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }) async throws -> [UInt8] {
        try await blocking { descriptor in
            var received: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while !isEnough(received) {
                var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard Glibc.poll(&poll, 1, Self.deadline) > 0 else {
                    throw Failure(description: "nothing came; so far: \(String(decoding: received, as: UTF8.self))")
                }
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                received += buffer[..<count]
            }
            return received
        }
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable (CInt) throws -> Value) async throws -> Value {
        let descriptor = descriptor
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body(descriptor) }) }
        }
    }
}

/// An answer, taken apart.
struct RawResponse: Sendable {
    var status: Int
    var headers: [String: String]
    var body: String
    /// False when a chunked body has no end.
    var isComplete = true

    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { throw RawClient.Failure(description: "no answer: \(text)") }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let first = lines.first, let status = first.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw RawClient.Failure(description: "no status: \(text)") }
        self.status = status
        headers = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""
        }
        body = String(text[end.upperBound...])
        if headers["transfer-encoding"] == "chunked" { (body, isComplete) = Self.unchunk(body) }
    }

    private static func unchunk(_ text: String) -> (String, Bool) {
        var rest = Array(text.utf8)[...]
        var body: [UInt8] = []
        while let newline = rest.firstIndex(of: 10) {
            let size = String(decoding: rest[..<newline], as: UTF8.self).filter { !$0.isWhitespace }
            guard let count = Int(size, radix: 16) else { break }
            if count == 0 { return (String(decoding: body, as: UTF8.self), true) }
            rest = rest[(newline + 1)...]
            body += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return (String(decoding: body, as: UTF8.self), false)
    }
}

extension String {
    fileprivate func range(of other: String) -> Range<Index>? { firstRange(of: other) }
}
