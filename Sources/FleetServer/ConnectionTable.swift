import FleetAPI
import NIOCore
import Synchronization

/// The server's open channels: how many there are, and whom to tell when it stops.
final class ConnectionTable: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    func listen(_ channel: any Channel) { state.withLock { $0.listeners.append(channel) } }

    /// nil when the channel is in the table now, until it closes; otherwise what to tell its client.
    func add(_ channel: any Channel) -> APIError? {
        let id = ObjectIdentifier(channel)
        let refusal: APIError? = state.withLock { state in
            if state.isStopping { return APIError(503, "fleetd is stopping: try again in a moment") }
            guard state.connections.count < limit else {
                return APIError(503, "fleetd has \(limit) connections already: try again in a moment")
            }
            state.connections[id] = channel
            return nil
        }
        if refusal == nil {
            channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections[id] = nil } }
        }
        return refusal
    }

    /// Nothing more is accepted; a connection is closed when the request it is at has been answered, at once if none.
    func stop() {
        let (listeners, connections) = state.withLock { state in
            state.isStopping = true
            return (state.listeners, Array(state.connections.values))
        }
        for listener in listeners { listener.close(promise: nil) }
        for channel in connections {
            channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        }
    }

    /// Cuts off what is still open.
    func closeAll() {
        for channel in state.withLock({ Array($0.connections.values) }) { channel.close(promise: nil) }
    }
}
