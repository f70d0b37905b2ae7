import Dispatch

/// Runs an actor's work on a serial queue of its own, so that an fsync(2) blocks one thread made for it and none of
/// the few threads that Swift's tasks share. The thread goes away when there is nothing to do.
final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ work: consuming ExecutorJob) {
        let work = UnownedJob(work)
        queue.async { work.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
