package import FleetAgent
package import FleetModel
package import NIOCore
import NIOPosix

/// Checks over the network: one connection, one short exchange, closed in time whatever the other side does. Nothing
/// waits on a thread.
package struct NetworkProbe: Sendable {
    /// Bytes read of an answer: its head, and the beginning of what an error page says.
    static let answerBytes = 4096
    /// How long the rest of an unhealthy answer is waited for, once it is known to be one.
    static let afterword = TimeAmount.milliseconds(200)

    private let group: any EventLoopGroup

    package init(group: any EventLoopGroup) { self.group = group }

    /// `target.path` is empty for a connection alone.
    package func check(_ target: HealthTarget, within timeout: Duration) async -> CheckResult {
        let loop = group.any()
        let result = loop.makePromise(of: CheckResult.self)
        let limit = TimeAmount(timeout)
        let silence = CheckResult.unhealthy(output: "no answer within \(TimeSpan.format(timeout))")
        let connecting = connect(target, on: loop, within: limit) { channel in
            channel.eventLoop.makeCompletedFuture {
                let exchange = NetworkExchange(target, result: result)
                try channel.pipeline.syncOperations.addHandler(exchange)
            }
        }
        // One promise, several who may keep it; the first does.
        let alarm = loop.scheduleTask(in: limit) { result.succeed(silence) }
        connecting.whenFailure { error in
            if case .connectTimeout? = error as? ChannelError { return result.succeed(silence) }
            result.succeed(Self.answer(for: error, target))
        }
        let answer: CheckResult
        do {
            answer = try await result.futureResult.get()
        } catch {
            answer = .notRun(reason: "\(error)")
        }
        alarm.cancel()
        connecting.whenSuccess { $0.close(promise: nil) }
        return answer
    }

    /// An address is used as it is; `localhost` is one, so that no resolver is asked for what everybody knows.
    private func connect(
        _ target: HealthTarget,
        on loop: any EventLoop,
        within limit: TimeAmount,
        _ initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(limit).channelInitializer(initialize)
        let host = target.host.lowercased() == "localhost" ? "127.0.0.1" : target.host
        if let address = try? SocketAddress(ipAddress: host, port: target.port) {
            return bootstrap.connect(to: address)
        }
        return bootstrap.connect(host: host, port: target.port)
    }

    private static func answer(for error: any Error, _ target: HealthTarget) -> CheckResult {
        if let error = error as? NIOConnectionError {
            guard let first = error.connectionErrors.first?.error else {
                return .unhealthy(output: "\(target.host) cannot be resolved")
            }
            return answer(for: first, target)
        }
        guard let problem = error as? IOError else { return .unhealthy(output: "\(target.address): \(error)") }
        let text = "connection to \(target.address): \(NetworkError.text(problem.errnoCode))"
        return NetworkError.isOwn(problem.errnoCode) ? .notRun(reason: text) : .unhealthy(output: text)
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .milliseconds(max(duration.milliseconds, 1)) }
}
