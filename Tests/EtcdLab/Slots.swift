import Synchronization

/// How many members may run at a time: more than this share two processors so badly that time-outs mean nothing.
final class Slots: Sendable {
    static let members = Slots(4)

    private struct State {
        var free: Int
        var waiting: [(count: Int, wake: CheckedContinuation<Void, Never>)] = []
    }

    private let limit: Int
    private let state: Mutex<State>

    private init(_ limit: Int) {
        self.limit = limit
        state = Mutex(State(free: limit))
    }

    /// Waits its turn; those who came first go first, so that a large cluster is not kept waiting by small ones.
    func take(_ count: Int) async {
        await withCheckedContinuation { wake in
            let isFree = state.withLock { state in
                guard state.waiting.isEmpty, state.free >= min(count, limit) else {
                    state.waiting.append((min(count, limit), wake))
                    return false
                }
                state.free -= min(count, limit)
                return true
            }
            if isFree { wake.resume() }
        }
    }

    func giveBack(_ count: Int) {
        let woken = state.withLock { state in
            state.free += min(count, limit)
            var woken: [CheckedContinuation<Void, Never>] = []
            while let first = state.waiting.first, first.count <= state.free {
                state.free -= first.count
                woken.append(first.wake)
                state.waiting.removeFirst()
            }
            return woken
        }
        for wake in woken { wake.resume() }
    }
}
