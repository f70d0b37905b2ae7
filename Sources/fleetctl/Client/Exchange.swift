import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// One HTTP request on a unix socket, and its answer.
struct Exchange: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var path: RequestPath
        var body: [UInt8] = []
    }

    /// What the time-out covers.
    enum Limit: Sendable {
        case wholeAnswer
        /// The head of the answer; then the body may take as long as it wants, or the given time.
        case headThenStream(Duration?)
    }

    /// The stream was not at its end within its limit.
    struct StreamLimitReached: Error {}

    var request: Request
    var socket: String
    var timeout: Duration

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// Hands over the body chunk by chunk, and returns the status after the last one.
    func perform(
        limit: Limit,
        each: (ByteBuffer, HTTPResponseStatus) throws -> Void
    ) async throws -> HTTPResponseStatus {
        let connection = try await connect()
        let alarm = Alarm(connection.channel)
        alarm.set(timeout, for: .noAnswer)
        defer { alarm.cancel() }
        do {
            return try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(contentsOf: requestParts)
                return try await read(inbound, limit, alarm, each)
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            switch alarm.rung {
            case .noAnswer: throw noAnswer
            case .streamLimit: throw StreamLimitReached()
            case nil: throw error is IOError || error is ChannelError || error is HTTPParserError ? cutShort : error
            }
        }
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        _ limit: Limit,
        _ alarm: Alarm,
        _ each: (ByteBuffer, HTTPResponseStatus) throws -> Void
    ) async throws -> HTTPResponseStatus {
        var status = HTTPResponseStatus.ok
        for try await part in inbound {
            switch part {
            case .head(let head):
                status = head.status
                if case .headThenStream(let longest) = limit {
                    alarm.cancel()
                    if let longest { alarm.set(longest, for: .streamLimit) }
                }
            case .body(let chunk):
                try each(chunk, status)
            case .end:
                return status
            }
        }
        throw ChannelError.eof
    }

    private var requestParts: [HTTPClientRequestPart] {
        var headers: HTTPHeaders = ["Host": "localhost", "User-Agent": "fleetctl/\(Version.current)"]
        headers.add(name: "Connection", value: "close")
        if request.method != .GET {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(request.body.count))
        }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: request.method,
            uri: request.path.text,
            headers: headers
        )
        guard !request.body.isEmpty else { return [.head(head), .end(nil)] }
        return [.head(head), .body(.byteBuffer(ByteBuffer(bytes: request.body))), .end(nil)]
    }

    private func connect() async throws -> Connection {
        let address: SocketAddress
        do {
            address = try SocketAddress(unixDomainSocketPath: socket)
        } catch {
            throw Failure("fleetctl: the socket's path \(socket) is too long for a unix socket (107 bytes at most)")
        }
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address) {
                channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        } catch {
            throw unreachable(error)
        }
    }
}

extension Exchange {
    private var noAnswer: Failure {
        Failure(
            "fleetctl: fleetd did not answer on \(socket) within \(timeout.components.seconds) s (--request-timeout); "
                + "check 'systemctl status fleetd.service'"
        )
    }

    private var cutShort: Failure {
        Failure(
            "fleetctl: fleetd closed the connection on \(socket) before its answer was complete; "
                + "check 'systemctl status fleetd.service'"
        )
    }

    private func unreachable(_ error: any Error) -> Failure {
        var code: Int32?
        if let error = error as? IOError { code = error.errnoCode }
        if let error = error as? NIOConnectionError, let cause = error.connectionErrors.first?.error as? IOError {
            code = cause.errnoCode
        }
        let advice =
            switch code {
            case ENOENT: "it does not exist; check 'systemctl status fleetd.socket'"
            case ECONNREFUSED: "nothing listens there; check 'systemctl status fleetd.socket'"
            case EACCES: "permission denied; use sudo, or become a member of the group 'fleet'"
            case .some(let other): "\(Process.message(of: other)); check 'systemctl status fleetd.socket'"
            case nil: "\(error); check 'systemctl status fleetd.socket'"
            }
        return Failure("fleetctl: cannot connect to fleetd at \(socket): \(advice)")
    }
}

/// Closes a connection that takes too long, and remembers why.
private final class Alarm: Sendable {
    enum Reason {
        case noAnswer, streamLimit
    }

    private struct State {
        var rung: Reason?
        var scheduled: Scheduled<Void>?
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(_ channel: any Channel) { self.channel = channel }

    var rung: Reason? { state.withLock { $0.rung } }

    func set(_ delay: Duration, for reason: Reason) {
        let scheduled = channel.eventLoop.scheduleTask(in: TimeAmount(delay)) { [self] in
            state.withLock { $0.rung = reason }
            channel.close(promise: nil)
        }
        state.withLock { $0.scheduled = scheduled }
    }

    func cancel() {
        let scheduled = state.withLock { state in
            defer { state.scheduled = nil }
            return state.scheduled
        }
        scheduled?.cancel()
    }
}
