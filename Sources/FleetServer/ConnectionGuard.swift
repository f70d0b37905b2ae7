import FleetAPI
import NIOCore

/// What the parts of one connection tell its `ConnectionGuard`, as user outbound events of its channel.
enum ConnectionEvent: Sendable {
    /// The head of a request has been read.
    case requestStarted
    /// Its body has been read, as far as anybody wants it.
    case bodyRead
    /// The answer has been written; `isLast` when the connection must not be used again.
    case responseEnded(isLast: Bool)
    /// Nothing can come of this connection: answer so, if no answer has begun, and close it.
    case refuse(APIError)
}

/// Stands between the socket and HTTP, and keeps time: a request's head and body each have to be in by a deadline,
/// however slowly their bytes drip, and an idle connection is closed. It also writes the answers that come from below
/// HTTP.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the connection waits for.
    private enum Phase {
        /// The next request: `idleTime`.
        case idle
        /// The rest of a head: `headTime`.
        case head
        /// The rest of a body: `bodyTime`.
        case body
        /// Our answer, which takes as long as it takes.
        case answer
        /// The other side's close, after our last answer: `lingerTime`.
        case closing
    }

    private let limits: ServerLimits
    private let serverHeader: String
    private var phase = Phase.idle
    private var hasAnswerBegun = false
    private var timer: Scheduled<Void>?
    private let refusal: APIError?
    private var onActive: (() -> Void)?

    /// `onActive` is called once, before any handler behind this one learns that the connection is up. With a `refusal`
    /// the connection gets that for an answer, and ends.
    init(limits: ServerLimits, serverHeader: String, refusal: APIError?, onActive: @escaping () -> Void) {
        self.limits = limits
        self.serverHeader = serverHeader
        self.refusal = refusal
        self.onActive = onActive
    }

    func handlerAdded(context: ChannelHandlerContext) { enter(.idle, context) }

    func channelActive(context: ChannelHandlerContext) {
        onActive?()
        onActive = nil
        context.fireChannelActive()
        if let refusal { refuse(refusal, context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        onActive = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .idle = phase { enter(.head, context) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        hasAnswerBegun = true
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let event = event as? ConnectionEvent else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        switch event {
        case .requestStarted:
            hasAnswerBegun = false
            enter(.body, context)
        case .bodyRead:
            enter(.answer, context)
        case .responseEnded(let isLast):
            enter(isLast ? .closing : .idle, context)
        case .refuse(let error):
            refuse(error, context)
        }
        promise?.succeed()
    }

    private func enter(_ phase: Phase, _ context: ChannelHandlerContext) {
        timer?.cancel()
        self.phase = phase
        let time: TimeAmount
        switch phase {
        case .idle: time = limits.idleTime
        case .head: time = limits.headTime
        case .body: time = limits.bodyTime
        case .closing: time = limits.lingerTime
        case .answer: return
        }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.timeIsOver(context) }
    }

    private func timeIsOver(_ context: ChannelHandlerContext) {
        switch phase {
        case .idle, .closing, .answer:
            context.close(promise: nil)
        case .head:
            refuse(APIError(408, "the request's head did not come within \(limits.headTime.seconds) s"), context)
        case .body:
            refuse(APIError(408, "the request's body did not come within \(limits.bodyTime.seconds) s"), context)
        }
    }

    private func refuse(_ error: APIError, _ context: ChannelHandlerContext) {
        timer?.cancel()
        // In the middle of an answer there is no way to say anything more.
        let isAnswering = if case .idle = phase { false } else if case .head = phase { false } else { hasAnswerBegun }
        guard !isAnswering else { return context.close(promise: nil) }
        phase = .closing
        let bytes = Answer.failure(error).onTheWire(server: serverHeader)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)))
            .assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }
}

/// Turns what the HTTP parser refuses into an answer in the API's form. It stands behind the parser.
final class ParserErrors: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.fireChannelRead(data) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is ChannelError || error is IOError {
            context.fireErrorCaught(error)
        } else {
            let refusal = APIError(400, "this is not an HTTP request that fleetd accepts: \(error)")
            context.triggerUserOutboundEvent(ConnectionEvent.refuse(refusal), promise: nil)
        }
    }
}

extension TimeAmount {
    fileprivate var seconds: Int64 { nanoseconds / 1_000_000_000 }
}
