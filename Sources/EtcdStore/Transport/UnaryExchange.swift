import NIOCore
import NIOHTTP2

/// One request and its answer on a stream of its own; a channel handler of NIO's.
final class UnaryExchange: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let request: RPCRequest
    private let use: StreamUse
    private var health: ConnectionHealth { use.health }
    private let timeout: Duration
    private let patience: Patience
    private let answer: EventLoopPromise<[UInt8]>
    private var reader = MessageReader()
    private var message: [UInt8]?
    private var isSent = false
    private var isOver = false
    private var deadline: Scheduled<Void>?
    private var probe: Scheduled<Void>?

    init(
        _ request: RPCRequest,
        timeout: Duration,
        patience: Patience,
        use: StreamUse,
        answer: EventLoopPromise<[UInt8]>
    ) {
        self.request = request
        self.timeout = timeout
        self.patience = patience
        self.use = use
        self.answer = answer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        deadline = loop.scheduleTask(in: TimeAmount(timeout)) {
            let (exchange, context) = bound.value
            exchange.fail(.noAnswer)
            context.close(promise: nil)
        }
        guard patience.probeAfter < timeout else { return }
        probe = loop.scheduleTask(in: TimeAmount(patience.probeAfter)) {
            bound.value.1.channel.parent?.triggerUserOutboundEvent(ProbeRequest(), promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.lost(health.reason ?? "the connection was closed"))
        use.end()
    }

    func channelActive(context: ChannelHandlerContext) {
        isSent = true
        context.write(wrapOutboundOut(.headers(.init(headers: request.headers))), promise: nil)
        let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(request.body), endStream: true)
        context.writeAndFlush(wrapOutboundOut(.data(data)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        health.heard()
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            if let (status, text) = AnswerStatus.read(headers.headers) { finish(status, text) }
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            reader.append(bytes)
            if message == nil { message = reader.next() }
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A stream that the member refused was not looked at by it (RFC 9113, 8.7).
        if let closed = error as? NIOHTTP2Errors.StreamClosed, closed.errorCode == .refusedStream { isSent = false }
        fail(.lost(health.reason ?? "\(error)"))
        context.close(promise: nil)
    }

    private func finish(_ status: RPCFailure.Status, _ text: String) {
        guard !isOver else { return }
        guard status == .ok, let message else {
            let failure = RPCFailure.status(
                status,
                status == .ok ? "the answer has no message" : text,
                member: health.member
            )
            return end { answer.fail(failure) }
        }
        end { answer.succeed(message) }
    }

    private func fail(_ cause: RPCFailure.Cause) {
        guard !isOver else { return }
        end { answer.fail(RPCFailure(cause: cause, member: health.member, mayHaveHappened: isSent)) }
    }

    private func end(_ complete: () -> Void) {
        isOver = true
        deadline?.cancel()
        probe?.cancel()
        complete()
    }
}
