package import FleetAPI
package import FleetRuntime
import HTTPTypes
import HummingbirdCore
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle
import UnitFile

/// The HTTP API on the sockets it is given, until it is asked to stop: then it accepts nothing more, finishes what it
/// is answering within `ServerLimits.shutdownTime`, and ends streams. Sockets from systemd stay open there, so
/// requests that come in between wait for the next fleetd.
package struct FleetServer: Service {
    private let routes: Routes
    private let sockets: [ListeningSocket]
    private let limits: ServerLimits
    private let group: any EventLoopGroup
    private let logger: Logger
    private let onListening: @Sendable () -> Void
    /// `Server:` of every answer.
    private let serverHeader: String

    /// `onListening` is called once, when every socket accepts.
    package init(
        control: any FleetControl,
        explainer: any PlacementExplainer,
        sockets: [ListeningSocket],
        limits: ServerLimits = ServerLimits(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger,
        onListening: @escaping @Sendable () -> Void = {}
    ) {
        routes = Routes(control: control, explainer: explainer, limits: limits)
        self.sockets = sockets
        self.limits = limits
        self.group = group
        self.logger = logger
        self.onListening = onListening
        serverHeader = "fleetd/\(control.version)"
    }

    /// Throws when a socket cannot be bound.
    package func run() async throws {
        let table = ConnectionTable(limit: limits.connections)
        let http = http()
        let (accepted, continuation) = AsyncStream<HTTP1Channel.Value>.makeStream()
        do {
            for socket in sockets {
                table.listen(try await socket.bind(on: group) { setUp($0, http, table, continuation) })
                logger.info("API listens on \(socket)")
            }
        } catch {
            table.stop()
            continuation.finish()
            throw error
        }
        onListening()
        let cutOff = CutOff(group.any(), after: limits.shutdownTime) { table.closeAll() }
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { tasks in
                for await connection in accepted { tasks.addTask { await serve(connection, http) } }
            }
        } onGracefulShutdown: {
            table.stop()
            continuation.finish()
            cutOff.start()
        }
        cutOff.cancel()
        table.stop()
    }

    /// Answers one connection's requests until it closes, and stops answering when it has closed: a change that
    /// somebody waited for goes on without them.
    private func serve(_ connection: HTTP1Channel.Value, _ http: HTTP1Channel) async {
        let (closed, continuation) = AsyncStream<Never>.makeStream()
        connection.channel.closeFuture.whenComplete { _ in continuation.finish() }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await http.handle(value: connection, logger: logger) }
            tasks.addTask { for await _ in closed {} }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    // MARK: One connection

    /// Hands the connection over to `run` once it is up; until then NIO owns it. NIO's own way, a listener that is a
    /// sequence of connections, drops those that it is setting up when it closes, and traps because nobody has finished
    /// their writers (swift-nio 2.101).
    private func setUp(
        _ channel: any Channel,
        _ http: HTTP1Channel,
        _ table: ConnectionTable,
        _ accepted: AsyncStream<HTTP1Channel.Value>.Continuation
    ) -> EventLoopFuture<Void> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { connection in
            let watch = ConnectionGuard(
                limits: limits,
                serverHeader: serverHeader,
                refusal: table.add(channel),
                onActive: {
                    if case .terminated = accepted.yield(connection) { Self.abandon(connection) }
                }
            )
            try channel.pipeline.syncOperations.addHandler(watch, position: .first)
        }
    }

    /// Closes a connection that came when nobody serves any more.
    private static func abandon(_ connection: HTTP1Channel.Value) {
        Task {
            do {
                try await connection.executeThenClose { _, _ in }
            } catch {
                // It is closed either way.
            }
        }
    }

    private func http() -> HTTP1Channel {
        var configuration = HTTP1Channel.Configuration(additionalChannelHandlers: [ParserErrors()])
        configuration.httpDecoder = .init(
            maxHeaderFieldSize: limits.headerFieldBytes,
            maxHeaderListSize: limits.headerBytes,
            maxHeaderFieldCount: limits.headerFields
        )
        return HTTP1Channel(
            responder: { request, writer, channel in try await respond(to: request, writer, on: channel) },
            configuration: configuration
        )
    }

    private func respond(
        to request: Request,
        _ writer: consuming ResponseWriter,
        on channel: any Channel
    ) async throws {
        @Sendable func tell(_ event: ConnectionEvent) { channel.triggerUserOutboundEvent(event, promise: nil) }
        tell(.requestStarted)
        let body = BodyReader(request, limit: limits.bodyBytes) { tell(.bodyRead) }
        if !body.isExpected { tell(.bodyRead) }
        let answer: Answer
        if let target = RequestTarget(request.head.path ?? "") {
            if body.isExpected, request.headers[.expect]?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            answer = await routes.answer(
                APIRequest(
                    method: request.method,
                    target: target,
                    headers: request.headers,
                    user: { await Peer.name(of: channel) },
                    body: { () async throws(APIError) in try await body.read() }
                )
            )
        } else {
            answer = .failure(APIError(400, "the path is not an absolute path in percent-encoded UTF-8"))
        }
        logger.debug("\(request.method) \(request.head.path?.printable() ?? "") \(answer.status.code)")
        tell(.bodyRead)
        let closes = body.isLeftOver || request.headers[.connection]?.lowercased() == "close"
        try await answer.write(to: writer, server: serverHeader, isHead: request.method == .head, closes: closes)
        tell(.responseEnded(isLast: closes))
    }
}
