import NIOCore
import Synchronization

/// Does something after a time that begins when it is told to, unless it is cancelled first.
final class CutOff: Sendable {
    private let loop: any EventLoop
    private let time: TimeAmount
    private let action: @Sendable () -> Void
    private let scheduled = Mutex<Scheduled<Void>?>(nil)

    init(_ loop: any EventLoop, after time: TimeAmount, _ action: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.time = time
        self.action = action
    }

    func start() {
        scheduled.withLock { scheduled in
            guard scheduled == nil else { return }
            scheduled = loop.scheduleTask(in: time, action)
        }
    }

    func cancel() { scheduled.withLock { $0?.cancel() } }
}
