import CSystemd
import Glibc
import Synchronization

/// One thread that is the executor of `SystemdBus` and at the same time waits for the bus.
///
/// sd-bus is not thread safe and its reference counts are not atomic, so everything that touches it has to stay on one
/// thread. Making that thread the actor's executor turns the rule into something the compiler checks. The thread sleeps
/// in poll(2) on the bus and on an eventfd that says a job was enqueued; without either it never wakes up.
package final class BusThread: SerialExecutor {
    /// What to wait for when there is nothing left to do.
    struct Wait {
        /// Not negative: a file descriptor to wait on.
        var descriptor: Int32 = -1
        var events: Int16 = 0
        /// CLOCK_MONOTONIC in microseconds, as `sd_bus_get_timeout` gives it; `UInt64.max` waits for ever.
        var deadline: UInt64 = .max
    }

    private struct State {
        var jobs: [UnownedJob] = []
        var thread: pthread_t?
        var pump: (@Sendable () -> Wait)?
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wakeUp: Int32

    init() {
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(wakeUp >= 0, "eventfd failed with errno \(errno)")
        OwnThread.start { self.loop() }
    }

    deinit { close(wakeUp) }

    /// Sets what the thread does between jobs: handle a bounded number of bus messages and say what to wait for.
    func setPump(_ pump: @escaping @Sendable () -> Wait) {
        state.withLock { $0.pump = pump }
        wake()
    }

    /// Ends the thread once the jobs that are queued have run.
    func stop() {
        state.withLock { $0.isStopped = true }
        wake()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = state.withLock { state in
            state.jobs.append(job)
            return state.jobs.count == 1 && !Self.isCurrent(state.thread)
        }
        if mustWake { wake() }
    }

    package func isIsolatingCurrentContext() -> Bool? {
        state.withLock { Self.isCurrent($0.thread) }
    }

    package func checkIsolated() {
        precondition(isIsolatingCurrentContext() == true, "not on the bus thread")
    }

    private static func isCurrent(_ thread: pthread_t?) -> Bool {
        guard let thread else { return false }
        return pthread_equal(thread, pthread_self()) != 0
    }

    private func wake() {
        var one: UInt64 = 1
        // Only EAGAIN can happen, when the counter is full: then the thread is about to wake anyway.
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    private func loop() {
        state.withLock { $0.thread = pthread_self() }
        while true {
            let jobs = state.withLock { state in
                let jobs = state.jobs
                state.jobs.removeAll(keepingCapacity: jobs.count <= 256)
                return jobs
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            let (pump, isStopped) = state.withLock { ($0.pump, $0.isStopped) }
            let wait = isStopped ? nil : pump?()
            let isIdle = state.withLock { $0.jobs.isEmpty }
            guard isIdle else { continue }
            if isStopped { return }
            sleep(wait ?? Wait())
        }
    }

    private func sleep(_ wait: Wait) {
        var descriptors = [
            pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wait.descriptor, events: wait.events, revents: 0),
        ]
        _ = poll(&descriptors, 2, milliseconds(until: wait.deadline))
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
        }
    }

    /// Rounded up, so that the thread does not wake up just before the time. -1 waits for ever.
    private func milliseconds(until deadline: UInt64) -> Int32 {
        guard deadline != .max else { return -1 }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
        return deadline <= now ? 0 : Int32(clamping: (deadline - now + 999) / 1000)
    }
}
