import FleetAgent
import FleetModel
import NIOCore
import NIOPosix
import Testing

@testable import HealthProbes

/// Against a program on loopback that answers in every way but a good one.
@Suite struct NetworkProbeTests {
    /// What the other side does with a connection.
    enum Manner: Sendable {
        case says(String, andCloses: Bool)
        case saysNothing
        case closes
        case neverEnds(String)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", CheckResult.healthy(output: "HTTP 200 OK")),
        ("HTTP/1.1 204\r\n\r\n", .healthy(output: "HTTP 204")),
        ("HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n", .healthy(output: "HTTP 302 Found")),
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\nno db\r\n",
            .unhealthy(output: "HTTP 503 Service Unavailable: no db")
        ),
        (
            "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno db\r\n0\r\n\r\n",
            .unhealthy(output: "HTTP 500 Oh: no db")
        ),
        ("HTTP/1.1 404 Not Found\r\n\r\n", .unhealthy(output: "HTTP 404 Not Found")),
    ])
    func answers(text: String, expected: CheckResult) async throws {
        for closes in [true, false] {
            let result = try await Self.check(.says(text, andCloses: closes), "/healthz")
            #expect(result == expected)
        }
    }

    @Test(arguments: ["SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 1000\r\n", "\r\n"])
    func garbage(text: String) async throws {
        let result = try await Self.check(.says(text, andCloses: false), "/")
        guard case .unhealthy(let output) = result else { return #expect(Bool(false), "\(result)") }
        #expect(output.hasSuffix("answered with something that is not HTTP"))
    }

    @Test func silence() async throws {
        let began = ContinuousClock.now
        let result = try await Self.check(.saysNothing, "/", within: .milliseconds(300))
        #expect(result == .unhealthy(output: "no answer within 300ms"))
        #expect(began.duration(to: .now) < .seconds(60))
        // Half a line is none.
        #expect(
            try await Self.check(.says("HTTP/1.1 20", andCloses: false), "/", within: .milliseconds(300))
                == .unhealthy(output: "no answer within 300ms")
        )
    }

    @Test func closedAtOnce() async throws {
        guard case .unhealthy(let output) = try await Self.check(.closes, "/") else {
            return #expect(Bool(false))
        }
        #expect(output.contains("closed without an answer") || output.contains("reset by peer"))
    }

    @Test func endlessAnswers() async throws {
        let healthy = try await Self.check(.neverEnds("HTTP/1.1 200 OK\r\n\r\n"), "/")
        #expect(healthy == .healthy(output: "HTTP 200 OK"))
        let unhealthy = try await Self.check(.neverEnds("HTTP/1.1 500 No\r\n\r\n"), "/")
        guard case .unhealthy(let output) = unhealthy else { return #expect(Bool(false)) }
        #expect(output.hasPrefix("HTTP 500 No: yyy") && output.utf8.count < 8192)
        // A head without an end.
        #expect(try await Self.check(.neverEnds("HTTP/1.1 200 OK\r\nX: "), "/") == .healthy(output: "HTTP 200 OK"))
        guard case .unhealthy = try await Self.check(.neverEnds("HTTP/1.1"), "/") else { return #expect(Bool(false)) }
    }

    @Test func connections() async throws {
        #expect(try await Self.check(.saysNothing, "") == .healthy(output: "accepts connections"))
        let probe = NetworkProbe(group: MultiThreadedEventLoopGroup.singleton)
        // Bound, closed again, and so free.
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close()
        for text in ["\(port)", "localhost:\(port)"] {
            let result = await probe.check(try HealthTarget(tcp: text), within: .seconds(5))
            guard case .unhealthy(let output) = result else { return #expect(Bool(false), "\(result)") }
            #expect(output.contains("connection refused"), "\(output)")
        }
        let nowhere = await probe.check(try HealthTarget(tcp: "no-such-host.invalid:80"), within: .seconds(20))
        guard case .unhealthy(let output) = nowhere else { return #expect(Bool(false), "\(nowhere)") }
        #expect(output.contains("cannot be resolved") || output.contains("no answer"), "\(output)")
    }

    @Test func theRequest() async throws {
        let (requests, request) = AsyncStream.makeStream(of: String.self)
        let result = try await Self.check(.says("HTTP/1.1 200 OK\r\n\r\n", andCloses: true), "/a?b=c") {
            request.yield($0)
        }
        #expect(result == .healthy(output: "HTTP 200 OK"))
        var iterator = requests.makeAsyncIterator()
        let text = await iterator.next() ?? ""
        #expect(text.hasPrefix("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"))
        #expect(text.hasSuffix("Connection: close\r\n\r\n"))
    }

    static func check(
        _ manner: Manner,
        _ path: String,
        within timeout: Duration = .seconds(10),
        _ heard: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> CheckResult {
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Peer(manner, heard))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        let target = path.isEmpty ? try HealthTarget(tcp: "\(port)") : try HealthTarget(http: ":\(port)\(path)")
        let result = await NetworkProbe(group: group).check(target, within: timeout)
        try await channel.close()
        return result
    }
}

/// The other side of one connection.
private final class Peer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let manner: NetworkProbeTests.Manner
    private let heard: @Sendable (String) -> Void

    init(_ manner: NetworkProbeTests.Manner, _ heard: @escaping @Sendable (String) -> Void) {
        self.manner = manner
        self.heard = heard
    }

    func channelActive(context: ChannelHandlerContext) {
        if case .closes = manner { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard(String(buffer: unwrapInboundIn(data)))
        switch manner {
        case .says(let text, let closes):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            if closes { context.close(promise: nil) }
        case .neverEnds(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            goOn(context)
        case .saysNothing, .closes: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func goOn(_ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        let loop = context.eventLoop.assumeIsolated()
        written.futureResult.assumeIsolated().whenSuccess { [self] in
            loop.execute { [self] in goOn(context) }
        }
        context.writeAndFlush(
            wrapOutboundOut(ByteBuffer(repeating: UInt8(ascii: "y"), count: 1000)),
            promise: written
        )
    }
}
