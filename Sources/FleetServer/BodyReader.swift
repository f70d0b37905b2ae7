import FleetAPI
import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// Reads a request's body once, whole, and not beyond its limit.
final class BodyReader: Sendable {
    private enum State {
        case unread, complete, abandoned
    }

    private let request: Request
    private let limit: Int
    private let onRead: @Sendable () -> Void
    private let state: Mutex<State>
    /// Whether the request has a body at all (RFC 9112, 6.3).
    let isExpected: Bool

    init(_ request: Request, limit: Int, onRead: @escaping @Sendable () -> Void) {
        self.request = request
        self.limit = limit
        self.onRead = onRead
        let hasLength = request.headers[.contentLength].map { $0 != "0" } ?? false
        isExpected = hasLength || request.headers.contains(.transferEncoding)
        state = Mutex(isExpected ? .unread : .complete)
    }

    /// True when bytes of the body may still come: the connection cannot be used for another request then.
    var isLeftOver: Bool { state.withLock { $0 != .complete } }

    func read() async throws(APIError) -> [UInt8] {
        guard isExpected else { return [] }
        let isFirst = state.withLock { state in
            defer { if state == .unread { state = .abandoned } }
            return state == .unread
        }
        guard isFirst else { throw APIError(500, "the body was asked for twice") }
        let length = request.headers[.contentLength].flatMap(Int.init)
        let tooLarge = APIError(413, "the body may have at most \(limit) bytes")
        guard length ?? 0 <= limit else { throw tooLarge }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            throw APIError(400, "the body broke off: \(error)")
        }
        // The stream of parts also ends when the connection does, in the middle of a body.
        guard length ?? buffer.readableBytes == buffer.readableBytes else {
            throw APIError(400, "the body broke off")
        }
        state.withLock { $0 = .complete }
        onRead()
        return Array(buffer.readableBytesView)
    }
}
