import FleetRuntime
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// One HTTP/2 connection to one member. Calls and watches share it: HTTP/2 takes turns between streams, so a large
/// answer delays a lease's renewal by milliseconds.
final class Connection: Sendable {
    let endpoint: EtcdEndpoint
    private let channel: any Channel
    private let streams: NIOHTTP2Handler.StreamMultiplexer
    private let health: ConnectionHealth
    private let patience: Patience

    private init(
        _ endpoint: EtcdEndpoint,
        _ channel: any Channel,
        _ streams: NIOHTTP2Handler.StreamMultiplexer,
        _ health: ConnectionHealth,
        _ patience: Patience
    ) {
        self.endpoint = endpoint
        self.channel = channel
        self.streams = streams
        self.health = health
        self.patience = patience
    }

    /// False when new calls should go elsewhere.
    var isUsable: Bool { health.isUsable && channel.isActive }

    /// One message there, one message back.
    func call(
        _ path: String,
        _ message: [UInt8],
        token: String?,
        timeout: Duration
    ) async throws(RPCFailure) -> [UInt8] {
        let request = request(path, message, token, timeout)
        guard let use = health.openStream(isWatch: false) else {
            throw .unreachable(health.reason ?? "the connection closes", member: health.member)
        }
        let answer = channel.eventLoop.makePromise(of: [UInt8].self)
        streams.createStreamChannel { [patience] stream in
            stream.eventLoop.makeCompletedFuture {
                let exchange = UnaryExchange(
                    request,
                    timeout: timeout,
                    patience: patience,
                    use: use,
                    answer: answer
                )
                try stream.pipeline.syncOperations.addHandler(exchange)
            }
        }.whenFailure { [health] error in
            use.end()
            // Without effect when the exchange has ended already.
            answer.fail(RPCFailure.unreachable(health.reason ?? "\(error)", member: health.member))
        }
        do {
            return try await answer.futureResult.get()
        } catch {
            throw (error as? RPCFailure) ?? .unreachable("\(error)", member: health.member)
        }
    }

    /// True when watches should go over another connection.
    var isFullOfWatches: Bool { health.isFullOfWatches }

    /// One message there, a stream of messages back, the first of them within `patience`.
    func stream(_ path: String, _ message: [UInt8], token: String?, patience: Duration) -> MessageStream {
        let request = request(path, message, token, nil)
        let messages = MessageStream()
        guard let use = health.openStream(isWatch: true) else {
            messages.end(.unreachable(health.reason ?? "the connection closes", member: health.member))
            return messages
        }
        streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                let exchange = StreamExchange(request, patience: patience, use: use, stream: messages)
                try stream.syncOptions?.setOption(.autoRead, value: false)
                try stream.pipeline.syncOperations.addHandler(exchange)
            }
        }.whenFailure { [health] error in
            use.end()
            messages.end(.unreachable(health.reason ?? "\(error)", member: health.member))
        }
        return messages
    }

    /// No new calls; closes when the last one that is under way has ended.
    func retire() {
        health.retire { [channel] in channel.close(promise: nil) }
    }

    /// Closes at once: what is under way goes on elsewhere.
    func abandon() {
        health.end("it takes requests and answers none")
        channel.close(promise: nil)
    }

    var isClosed: Bool { !channel.isActive }

    func close(_ reason: String) async {
        health.end(reason)
        do { try await channel.close().get() } catch { return }  // It was closed already.
    }

    private func request(_ path: String, _ message: [UInt8], _ token: String?, _ timeout: Duration?) -> RPCRequest {
        RPCRequest(
            path: path,
            message: message,
            endpoint: String(endpoint.description.drop { $0 != ":" }.dropFirst(3)),
            usesTLS: endpoint.usesTLS,
            token: token,
            timeout: timeout
        )
    }
}

extension Connection {
    /// Makes a connection, ready for calls. Throws `unreachable` when that takes longer than `patience.connect`.
    static func open(
        _ endpoint: EtcdEndpoint,
        tls: TLSFiles,
        patience: Patience,
        group: any EventLoopGroup
    ) async throws(RPCFailure) -> Connection {
        let health = ConnectionHealth(member: endpoint.description)
        let context: NIOSSLContext?
        do {
            context = endpoint.usesTLS ? try tls.context() : nil
        } catch {
            throw .unreachable(error.description)
        }
        do {
            let (channel, streams, ready) = try await ClientBootstrap(group: group)
                .connectTimeout(TimeAmount(patience.connect))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: endpoint.host, port: endpoint.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try setUp(channel, endpoint, context, health, patience)
                    }
                }
            let connection = Connection(endpoint, channel, streams, health, patience)
            try await connection.wait(for: ready)
            return connection
        } catch let failure as RPCFailure {
            throw failure
        } catch {
            throw .unreachable(describe(error), member: endpoint.description)
        }
    }

    private static func setUp(
        _ channel: any Channel,
        _ endpoint: EtcdEndpoint,
        _ context: NIOSSLContext?,
        _ health: ConnectionHealth,
        _ patience: Patience
    ) throws -> (any Channel, NIOHTTP2Handler.StreamMultiplexer, EventLoopFuture<Void>) {
        let pipeline = channel.pipeline.syncOperations
        if let context {
            // TLS knows names only; without one, the certificate must be for the address that was connected to.
            let isAddress = (try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port)) != nil
            let name = isAddress ? nil : endpoint.host
            try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
        }
        let streams = try pipeline.configureHTTP2Pipeline(
            mode: .client,
            connectionConfiguration: connectionConfiguration,
            streamConfiguration: streamConfiguration
        ) { stream in
            // etcd starts no streams.
            stream.close()
        }
        let ready = channel.eventLoop.makePromise(of: Void.self)
        try pipeline.addHandler(Pulse(health: health, patience: patience, ready: ready))
        return (channel, streams, ready.futureResult)
    }

    private func wait(for ready: EventLoopFuture<Void>) async throws {
        let alarm = channel.eventLoop.scheduleTask(in: TimeAmount(patience.connect)) { [health, channel] in
            health.end("it accepts connections but says nothing")
            channel.close(promise: nil)
        }
        defer { alarm.cancel() }
        try await ready.get()
    }

    private static let connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration = {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = nioDefaultSettings + [HTTP2Setting(parameter: .enablePush, value: 0)]
        // All streams together; a page of a range is 1 MiB and several may be on their way.
        configuration.targetWindowSize = 8 << 20
        // etcd measures bandwidth with a PING for almost every burst of answers; NIO takes 200 in 30 s for an attack.
        configuration.controlFrameRateLimit.maximumCount = .max
        configuration.maximumConnectionGlitches = .max
        return configuration
    }()

    private static let streamConfiguration: NIOHTTP2Handler.StreamConfiguration = {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        // As much as one watch may have waiting for its reader.
        configuration.targetWindowSize = 1 << 20
        // Watches that end, all at once when a leader is lost.
        configuration.streamResetFrameRateLimit.maximumCount = .max
        configuration.streamErrorRateLimit.maximumCount = .max
        return configuration
    }()

    /// NIO's reasons why a connection could not be made, without its own words for them.
    private static func describe(_ error: any Error) -> String {
        if let failure = error as? NIOConnectionError {
            if failure.dnsAError != nil, failure.dnsAAAAError != nil, failure.connectionErrors.isEmpty {
                return "its name cannot be resolved"
            }
            return failure.connectionErrors.first.map { describe($0.error) } ?? "\(failure)"
        }
        if let failure = error as? IOError {
            switch failure.errnoCode {
            case ECONNREFUSED: return "nothing listens there"
            case EHOSTUNREACH, ENETUNREACH: return "there is no route to it"
            default: return "\(failure)"
            }
        }
        if case .connectTimeout(let time)? = error as? ChannelError {
            return "it did not accept a connection within \(time.nanoseconds / 1_000_000) ms"
        }
        return TLSFailure.describe(error) ?? "\(error)"
    }
}
