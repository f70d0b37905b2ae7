import NIOCore
import NIOHTTP2
import Synchronization

/// A call whose answer is a stream of messages, read on demand: while nobody reads, nothing is taken from the
/// connection, and HTTP/2's flow control makes the member wait. So memory is bounded by one stream's window.
final class MessageStream: Sendable {
    private struct State {
        var messages: [[UInt8]] = []
        var end: RPCFailure?
        var waiter: CheckedContinuation<[UInt8], any Error>?
        var channel: (any Channel)?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// The next message. Throws the `RPCFailure` the call ended with, or `CancellationError` after `cancel`.
    func next() async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { waiter in
            let (result, channel): (Result<[UInt8], any Error>?, (any Channel)?) = state.withLock { state in
                if state.isCancelled { return (.failure(CancellationError()), nil) }
                if !state.messages.isEmpty { return (.success(state.messages.removeFirst()), nil) }
                if let end = state.end { return (.failure(end), nil) }
                state.waiter = waiter
                return (nil, state.channel)
            }
            channel?.read()
            if let result { waiter.resume(with: result) }
        }
    }

    /// Ends the call; the member hears of it.
    func cancel() {
        let (waiter, channel) = state.withLock { state in
            state.isCancelled = true
            defer { state.waiter = nil }
            return (state.waiter, state.channel)
        }
        channel?.close(promise: nil)
        waiter?.resume(throwing: CancellationError())
    }

    fileprivate func began(on channel: any Channel) {
        let (isCancelled, isWanted) = state.withLock { state in
            state.channel = channel
            return (state.isCancelled, state.waiter != nil)
        }
        if isCancelled { channel.close(promise: nil) }
        if isWanted { channel.read() }
    }

    /// True when more is wanted at once.
    fileprivate func deliver(_ message: [UInt8]) {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.messages.append(message)
                return nil as CheckedContinuation<[UInt8], any Error>?
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: message)
    }

    fileprivate var isWanted: Bool { state.withLock { $0.waiter != nil } }

    func end(_ failure: RPCFailure) {
        let waiter = state.withLock { state in
            if state.end == nil { state.end = failure }
            state.channel = nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(throwing: failure)
    }
}

/// The connection's end of a `MessageStream`; a channel handler of NIO's. It sends one message and then listens.
final class StreamExchange: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let request: RPCRequest
    private let stream: MessageStream
    private let use: StreamUse
    private var health: ConnectionHealth { use.health }
    /// How long the first message may take.
    private let patience: Duration
    private var reader = MessageReader()
    private var deadline: Scheduled<Void>?

    init(_ request: RPCRequest, patience: Duration, use: StreamUse, stream: MessageStream) {
        self.request = request
        self.patience = patience
        self.use = use
        self.stream = stream
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(patience)) {
            let (exchange, context) = bound.value
            exchange.end(.noAnswer)
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.lost(health.reason ?? "the member ended the stream"))
        use.end()
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.headers(.init(headers: request.headers))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(request.body)))), promise: nil)
        context.channel.parent?.triggerUserOutboundEvent(WatchBegan(), promise: nil)
        stream.began(on: context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        health.heard()
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            guard let (status, text) = AnswerStatus.read(headers.headers) else { return }
            deadline?.cancel()
            stream.end(.status(status, text, member: health.member))
            // The request's side of the stream is still open.
            context.close(promise: nil)
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            reader.append(bytes)
            while let message = reader.next() {
                deadline?.cancel()
                stream.deliver(message)
            }
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if stream.isWanted { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.lost(health.reason ?? "\(error)"))
        context.close(promise: nil)
    }

    private func end(_ cause: RPCFailure.Cause) {
        deadline?.cancel()
        stream.end(RPCFailure(cause: cause, member: health.member, mayHaveHappened: true))
    }
}
