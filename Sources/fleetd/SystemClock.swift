import FleetModel
import FleetRuntime
import Glibc
import NIOCore

/// The machine's clock. Its sleepers wait in the event loop, like everything else in fleetd (see `OneThread`).
struct SystemClock: WallClock {
    private static let start = ContinuousClock.now

    let loop: any EventLoop

    func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Throws `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws {
        let timer = loop.scheduleTask(in: TimeAmount(duration)) {}
        do {
            try await withTaskCancellationHandler {
                try await timer.futureResult.get()
            } onCancel: {
                timer.cancel()
            }
        } catch {
            // Cancelled, or the event loop ends with the process.
            throw CancellationError()
        }
    }

    func elapsed() -> Duration { ContinuousClock.now - Self.start }
}
