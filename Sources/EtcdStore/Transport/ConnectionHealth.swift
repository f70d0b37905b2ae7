import NIOCore
import Synchronization

/// What a connection and its streams know about it together.
final class ConnectionHealth: Sendable {
    private struct State {
        var reason: String?
        var isRetired = false
        var streams = 0
        var watches = 0
        var isClosing = false
        var lastHeard = NIODeadline.now()

        /// True once, when nobody uses a retired connection any more.
        mutating func beginsToClose() -> Bool {
            guard isRetired, streams == 0, !isClosing else { return false }
            isClosing = true
            return true
        }
    }

    /// The member it leads to, for messages.
    let member: String
    private let state = Mutex(State())
    /// Closes the connection once nobody uses it.
    private let closing: Mutex<(@Sendable () -> Void)?> = Mutex(nil)

    init(member: String) { self.member = member }

    /// Why the connection is over; nil while it is not.
    var reason: String? { state.withLock { $0.reason } }
    /// False when no new call should use it.
    var isUsable: Bool { state.withLock { $0.reason == nil && !$0.isRetired } }
    /// When anything arrived last.
    var lastHeard: NIODeadline { state.withLock { $0.lastHeard } }

    /// The first reason is the true one: what follows is its consequence.
    func end(_ reason: String) {
        state.withLock { if $0.reason == nil { $0.reason = reason } }
    }

    func heard() {
        let now = NIODeadline.now()
        state.withLock { $0.lastHeard = now }
    }

    /// Counts a stream that is about to be opened, before it is: a retired connection closes when there is none. nil
    /// when it is closing already.
    func openStream(isWatch: Bool) -> StreamUse? {
        state.withLock { state in
            guard state.reason == nil, !state.isClosing else { return nil }
            state.streams += 1
            if isWatch { state.watches += 1 }
            return StreamUse(health: self, isWatch: isWatch)
        }
    }

    fileprivate func streamClosed(isWatch: Bool) {
        let isDone = state.withLock { state in
            state.streams -= 1
            if isWatch { state.watches -= 1 }
            return state.beginsToClose()
        }
        if isDone { close() }
    }

    /// True when there is no room for one more watch.
    var isFullOfWatches: Bool { state.withLock { $0.watches >= Self.watchLimit } }

    /// NIO opens at most 100 streams at a time where the other side names no limit of its own, as etcd does, and lets
    /// others wait. Calls end and make room, watches do not.
    private static let watchLimit = 64

    /// No new calls: those that wait for an answer, and watches, may end where they are.
    func retire(_ close: @escaping @Sendable () -> Void) {
        closing.withLock { $0 = close }
        let isDone = state.withLock { state in
            state.isRetired = true
            return state.beginsToClose()
        }
        if isDone { self.close() }
    }

    /// The member said that it takes no new calls.
    func refuseNewCalls() { state.withLock { $0.isRetired = true } }

    private func close() { closing.withLock { $0 }?() }
}

/// One stream among those that keep a connection open.
final class StreamUse: Sendable {
    let health: ConnectionHealth
    private let isWatch: Bool
    private let isOver = Mutex(false)

    fileprivate init(health: ConnectionHealth, isWatch: Bool) {
        self.health = health
        self.isWatch = isWatch
    }

    /// The stream has ended, or never came to be; said twice, it counts once.
    func end() {
        let isFirst = isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
        if isFirst { health.streamClosed(isWatch: isWatch) }
    }
}
