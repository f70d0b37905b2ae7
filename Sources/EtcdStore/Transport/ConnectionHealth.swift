import NIOCore
import Synchronization

/// What a connection and its streams know about it together.
final class ConnectionHealth: Sendable {
    private struct State {
        var reason: String?
        var isRetired = false
        var streams = 0
        var lastHeard = NIODeadline.now()
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

    func streamOpened() { state.withLock { $0.streams += 1 } }

    func streamClosed() {
        let isDone = state.withLock { state in
            state.streams -= 1
            return state.isRetired && state.streams == 0
        }
        if isDone { close() }
    }

    /// No new calls: those that wait for an answer, and watches, may end where they are.
    func retire(_ close: @escaping @Sendable () -> Void) {
        closing.withLock { $0 = close }
        let isDone = state.withLock { state in
            state.isRetired = true
            return state.streams == 0
        }
        if isDone { self.close() }
    }

    /// The member said that it takes no new calls.
    func refuseNewCalls() { state.withLock { $0.isRetired = true } }

    private func close() { closing.withLock { $0 }?() }
}
