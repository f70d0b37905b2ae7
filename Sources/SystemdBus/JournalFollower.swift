import CSystemd
import Glibc
import Synchronization

/// Follows the journal on a thread of its own, one entry per request: a consumer that is slow makes the thread wait
/// instead of filling memory.
final class JournalFollower: Sendable {
    private let shared: Shared

    init(directory: String?, filter: JournalReader.Filter, lines: Int) {
        let shared = Shared()
        self.shared = shared
        OwnThread.start { shared.loop(directory, filter, lines) }
    }

    deinit { shared.stop() }

    /// nil after `stop`.
    func next() async -> JournalEntry? {
        await withCheckedContinuation { shared.request($0) }
    }

    func stop() { shared.stop() }

    /// What the thread and the consumer share. The thread holds this and not the follower, so that a consumer that
    /// goes away ends the thread.
    private final class Shared: Sendable {
        private struct State {
            var request: CheckedContinuation<JournalEntry?, Never>?
            var isStopped = false
        }

        private let state = Mutex(State())
        private let wakeUp: Int32

        init() {
            wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
            precondition(wakeUp >= 0, "eventfd failed with errno \(errno)")
        }

        deinit { close(wakeUp) }

        func request(_ continuation: CheckedContinuation<JournalEntry?, Never>) {
            let isStopped = state.withLock { state in
                precondition(state.request == nil, "one consumer at a time")
                if !state.isStopped { state.request = continuation }
                return state.isStopped
            }
            if isStopped { continuation.resume(returning: nil) } else { wake() }
        }

        func stop() {
            let request = state.withLock { state in
                state.isStopped = true
                defer { state.request = nil }
                return state.request
            }
            request?.resume(returning: nil)
            wake()
        }

        private func wake() {
            var one: UInt64 = 1
            _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
        }

        private func deliver(_ entry: JournalEntry) {
            let request = state.withLock { state in
                defer { state.request = nil }
                return state.request
            }
            request?.resume(returning: entry)
        }

        func loop(_ directory: String?, _ filter: JournalReader.Filter, _ lines: Int) {
            var reader: JournalReader?
            while true {
                let (isWanted, isStopped) = state.withLock { ($0.request != nil, $0.isStopped) }
                if isStopped { return }
                if reader == nil {
                    reader = JournalReader(directory: directory, filter: filter)
                    reader?.seek(behindLast: lines)
                }
                if isWanted, let entry = reader?.next() {
                    deliver(entry)
                    continue
                }
                sleep(reader)
            }
        }

        /// Until the journal changes or the consumer says something.
        private func sleep(_ reader: JournalReader?) {
            var descriptors = [
                pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
                pollfd(fd: reader?.descriptor ?? -1, events: reader?.events ?? 0, revents: 0),
            ]
            // There is nothing to wait on while there is no journal at all, which a booting machine has for moments.
            _ = poll(&descriptors, 2, reader.map(\.timeout) ?? 1000)
            if descriptors[0].revents != 0 {
                var count: UInt64 = 0
                _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
            }
            if let reader { _ = reader.process() }
        }
    }
}
