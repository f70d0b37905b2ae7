import FleetAgent
import FleetModel
import NIOCore

/// One connection: sends the request, if there is one, and reads until the answer is known. Confined to its loop.
final class NetworkExchange: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let target: HealthTarget
    private let result: EventLoopPromise<CheckResult>
    private var answer = HTTPAnswer()
    private var isPatient = false

    init(_ target: HealthTarget, result: EventLoopPromise<CheckResult>) {
        self.target = target
        self.result = result
    }

    func channelActive(context: ChannelHandlerContext) {
        guard !target.path.isEmpty else { return result.succeed(.healthy(output: "accepts connections")) }
        let request =
            "GET \(target.path) HTTP/1.1\r\nHost: \(target.address)\r\nUser-Agent: fleet\r\nAccept: */*\r\n"
            + "Connection: close\r\n\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        answer.add(part.readableBytesView, limit: NetworkProbe.answerBytes)
        decide(context, isEnd: answer.bytes.count >= NetworkProbe.answerBytes)
    }

    func channelInactive(context: ChannelHandlerContext) { decide(context, isEnd: true) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let number = (error as? IOError)?.errnoCode
        let text = number.map(NetworkError.text) ?? "\(error)"
        result.succeed(.unhealthy(output: "connection to \(target.address): \(text)"))
    }

    private func decide(_ context: ChannelHandlerContext, isEnd: Bool) {
        switch answer.status {
        case nil where isEnd:
            let what = answer.bytes.isEmpty ? "closed without an answer" : "answered with something that is not HTTP"
            result.succeed(.unhealthy(output: "\(target.address) \(what)"))
        case nil: return
        case .malformed?:
            result.succeed(.unhealthy(output: "\(target.address) answered with something that is not HTTP"))
        case .code(let code, let line)?:
            if (200...399).contains(code) { return result.succeed(.healthy(output: line)) }
            guard !isEnd, !answer.isWhole else { return result.succeed(.unhealthy(output: answer.problem(line))) }
            guard !isPatient else { return }
            isPatient = true
            context.eventLoop.assumeIsolated().scheduleTask(in: NetworkProbe.afterword) { [self] in
                result.succeed(.unhealthy(output: answer.problem(line)))
            }
        }
    }
}
