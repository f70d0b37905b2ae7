import NIOCore
import NIOHTTP2

/// Asks the connection to find out whether the member is still there.
struct ProbeRequest: Sendable {}

/// Tells the connection that a stream on it waits for what may never come, so that silence must be looked into.
struct WatchBegan: Sendable {}

/// What concerns a connection as a whole; a channel handler of NIO's behind the one for HTTP/2.
///
/// The connection counts as made when the member's SETTINGS are here: then TLS was accepted in both directions, and it
/// does speak HTTP/2. A PING finds out whether the other side is alive; one is only sent when somebody waits.
final class Pulse: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let health: ConnectionHealth
    private let patience: Patience
    /// nil once the connection counts as made.
    private var ready: EventLoopPromise<Void>?
    private var lastPing: NIODeadline?
    private var isAwaitingPong = false
    private var hasWatches = false
    private var check: Scheduled<Void>?

    init(health: ConnectionHealth, patience: Patience, ready: EventLoopPromise<Void>) {
        self.health = health
        self.patience = patience
        self.ready = ready
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        health.end(refusal)
        check?.cancel()
        ready?.fail(RPCFailure.unreachable(health.reason ?? "", member: health.member))
        ready = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        health.heard()
        switch unwrapInboundIn(data).payload {
        case .settings(.settings):
            ready?.succeed()
            ready = nil
        case .goAway(_, let code, _):
            if code != .noError { health.end("the member ended the connection: \(code)") }
            health.refuseNewCalls()
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        health.end(TLSFailure.describe(error) ?? "\(error)")
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        health.end(ready == nil ? "the member closed the connection" : refusal)
        context.fireChannelInactive()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case is ProbeRequest:
            probe(context)
            promise?.succeed()
        case is WatchBegan:
            if !hasWatches {
                hasWatches = true
                scheduleCheck(context, at: .now() + Patience.silence)
            }
            promise?.succeed()
        default: context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    /// What a member does that wants TLS and hears HTTP/2, and one whose port is something else.
    private var refusal: String {
        "it ends the connection at once: if it wants TLS, write https:// in etcd_servers"
    }

    private func probe(_ context: ChannelHandlerContext) {
        guard !isAwaitingPong, context.channel.isActive else { return }
        let now = NIODeadline.now()
        if let lastPing, now < lastPing + Patience.betweenPings { return }
        lastPing = now
        isAwaitingPong = true
        let ping = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 1), ack: false))
        context.writeAndFlush(wrapOutboundOut(ping), promise: nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(patience.probeAnswer)) {
            let (pulse, context) = bound.value
            pulse.isAwaitingPong = false
            // Whatever arrived since then is a sign of life.
            guard pulse.health.lastHeard < now, context.channel.isActive else { return }
            pulse.health.end("the member does not answer: its process hangs, or the network between is cut")
            context.close(promise: nil)
        }
    }

    private func scheduleCheck(_ context: ChannelHandlerContext, at time: NIODeadline) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleTask(deadline: time) {
            let (pulse, context) = bound.value
            guard context.channel.isActive else { return }
            let due = pulse.health.lastHeard + Patience.silence
            let now = NIODeadline.now()
            if due <= now { pulse.probe(context) }
            pulse.scheduleCheck(context, at: max(due, now + Patience.silence))
        }
    }
}
