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

    /// False when the server is stopping already: the caller closes the channel.
    func listen(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard !state.isStopping else { return false }
            state.listeners.append(channel)
            return true
        }
    }

    /// False when there is no room for one more. The channel leaves the table when it closes.
    func add(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let isAdded = state.withLock { state in
            guard !state.isStopping, state.connections.count < limit else { return false }
            state.connections[id] = channel
            return true
        }
        if isAdded {
            channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections[id] = nil } }
        }
        return isAdded
    }

    var count: Int { state.withLock { $0.connections.count } }

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
