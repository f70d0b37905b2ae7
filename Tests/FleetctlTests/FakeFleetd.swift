import FleetAPI
import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

@testable import fleetctl

/// What the fake was asked.
struct FakeRequest: Hashable, Sendable {
    var method: String
    var path: String
    var body: String
}

/// What the fake says.
struct FakeAnswer: Sendable {
    enum End: Sendable {
        /// The answer is whole.
        case complete
        /// The connection is closed in the middle.
        case cut
        /// Nothing comes any more.
        case silence
    }

    var status = HTTPResponseStatus.ok
    var chunks: [String] = []
    var end = End.complete
    /// Say nothing at all, not even a head.
    var isMute = false

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> FakeAnswer {
        FakeAnswer(status: status, chunks: [(try? JSONText.line(value)) ?? "unencodable"])
    }

    static func lines(_ values: [some Encodable], end: End = .complete) -> FakeAnswer {
        FakeAnswer(chunks: values.map { ((try? JSONText.line($0)) ?? "unencodable") + "\n" }, end: end)
    }

    static func refusal(_ code: Int, _ message: String) -> FakeAnswer {
        .json(APIError(code, message), status: HTTPResponseStatus(statusCode: code))
    }
}

/// A fleetd that answers from a script, on a unix socket in a folder of its own.
final class FakeFleetd: Sendable {
    let socket: String
    private let folder: String
    private let channel: any Channel
    private let log: RequestLog

    var requests: [FakeRequest] { log.requests.withLock { $0 } }

    init(answer: @escaping @Sendable (FakeRequest) -> FakeAnswer) async throws {
        folder = FileManager.default.temporaryDirectory.path + "/fleetctl-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        socket = folder + "/fleet.sock"
        let log = RequestLog()
        self.log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder(log: log, answer: answer))
                }
            }
            .bind(unixDomainSocketPath: socket).get()
    }

    func stop() async {
        do {
            try await channel.close()
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            // A test that ends this way has said already what matters.
        }
    }

    /// Runs fleetctl against a fake with this script.
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        answer: @escaping @Sendable (FakeRequest) -> FakeAnswer
    ) async throws -> CommandResult {
        let fleetd = try await FakeFleetd(answer: answer)
        var variables = environment
        variables["FLEETCTL_ENDPOINT"] = "unix://" + fleetd.socket
        var result = await CommandResult.of(arguments, environment: variables)
        result.requests = fleetd.requests
        await fleetd.stop()
        return result
    }
}

private final class RequestLog: Sendable {
    let requests = Mutex<[FakeRequest]>([])
}

private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let log: RequestLog
    private let answer: @Sendable (FakeRequest) -> FakeAnswer
    private var request = FakeRequest(method: "", path: "", body: "")

    init(log: RequestLog, answer: @escaping @Sendable (FakeRequest) -> FakeAnswer) {
        self.log = log
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            request = FakeRequest(method: head.method.rawValue, path: head.uri, body: "")
        case .body(let chunk):
            request.body += String(decoding: chunk.readableBytesView, as: UTF8.self)
        case .end:
            log.requests.withLock { $0.append(request) }
            respond(answer(request), context)
        }
    }

    private func respond(_ answer: FakeAnswer, _ context: ChannelHandlerContext) {
        guard !answer.isMute else { return }
        let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: ["Transfer-Encoding": "chunked"])
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        for chunk in answer.chunks {
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: chunk)))), promise: nil)
        }
        switch answer.end {
        case .complete:
            // Only then: closing drops what the socket has not taken yet.
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
        case .cut: context.close(promise: nil)
        case .silence: break
        }
    }
}
