import CSystemd
import Glibc

/// Tells systemd how this service is doing (sd_notify(3)). Does nothing when systemd did not start it with
/// `NOTIFY_SOCKET`.
package struct ServiceNotifier: Sendable {
    package init() {}

    /// Start-up is finished; also ends a reload.
    package func ready(status: String) { send("READY=1\nSTATUS=\(Self.oneLine(status))") }

    package func status(_ text: String) { send("STATUS=\(Self.oneLine(text))") }

    package func watchdog() { send("WATCHDOG=1") }

    package func stopping(status: String) { send("STOPPING=1\nSTATUS=\(Self.oneLine(status))") }

    /// Begins a reload; `ready` ends it. `Type=notify-reload` wants the time (systemd.service(5), since 253).
    package func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        send("RELOADING=1\nMONOTONIC_USEC=\(UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)")
    }

    /// systemd's `WatchdogSec=` for this process; nil when it does not watch. Notify at half of it or more often.
    package var watchdogInterval: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// systemd started this process and waits to hear from it.
    package var isSupervised: Bool { getenv("NOTIFY_SOCKET") != nil }

    // The result is not looked at: there is nobody left to tell when systemd cannot be told.
    private func send(_ state: String) { _ = sd_notify(0, state) }

    /// A line break would begin another assignment of the protocol.
    static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
