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

    /// How long ago systemd began, which is when the machine booted, also where it is a container. A long time when the
    /// kernel does not say.
    static func uptime() -> Duration {
        let long = Duration.seconds(1 << 30)
        // The 22nd field of proc_pid_stat(5), in ticks of CLOCK_BOOTTIME; the second one is in parentheses and may hold
        // blanks.
        guard let file = fopen("/proc/1/stat", "r") else { return long }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        guard let name = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return long }
        let fields = String(decoding: bytes[(name + 1)..<count], as: UTF8.self).split(separator: " ")
        var now = timespec()
        guard fields.count > 19, let ticks = Int64(fields[19]), clock_gettime(CLOCK_BOOTTIME, &now) == 0 else {
            return long
        }
        let began = Duration.milliseconds(ticks * 1000 / Int64(sysconf(Int32(_SC_CLK_TCK))))
        return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec) - began
    }
}
