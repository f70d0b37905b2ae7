import FleetModel
import Glibc

/// Where local time is taken from; tests use UTC.
enum Zone: Sendable {
    case local, utc

    /// `strftime(3)` of a time; the C library knows the zones, so ICU is not needed.
    func format(_ time: Timestamp, _ pattern: String) -> String {
        let milliseconds = time.milliseconds
        var seconds = time_t(milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000)
        var parts = tm()
        switch self {
        case .local: localtime_r(&seconds, &parts)
        case .utc: gmtime_r(&seconds, &parts)
        }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = buffer.withUnsafeMutableBytes { area in
            strftime(area.baseAddress?.assumingMemoryBound(to: CChar.self), area.count, pattern, &parts)
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// As systemctl writes a time: `Sat 2026-11-21 10:57:03 UTC`.
    func full(_ time: Timestamp) -> String { format(time, "%a %Y-%m-%d %H:%M:%S %Z") }

    /// As journalctl's short format writes a time: `Nov 21 10:57:03`.
    func short(_ time: Timestamp) -> String { format(time, "%b %d %H:%M:%S") }
}

/// How long ago, or how far ahead, in systemd's words (`format_timestamp_relative`): two units of time at most.
enum Age {
    static func text(_ time: Timestamp, now: Timestamp) -> String {
        let distance = now.milliseconds - time.milliseconds
        if abs(distance) < 1000 { return "now" }
        return distance > 0 ? span(distance) + " ago" : "in " + span(-distance)
    }

    /// How long ago, without the word; `0s` for a time that is ahead.
    static func span(since time: Timestamp, now: Timestamp) -> String {
        span(max(0, now.milliseconds - time.milliseconds))
    }

    private static func span(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        if days >= 2 { return "\(days) days" }
        if days == 1 { return "1 day" + (hours % 24 > 0 ? " \(hours % 24)h" : "") }
        if hours > 0 { return "\(hours)h" + (minutes % 60 > 0 ? " \(minutes % 60)min" : "") }
        if minutes >= 5 { return "\(minutes)min" }
        if minutes > 0 { return "\(minutes)min" + (seconds % 60 > 0 ? " \(seconds % 60)s" : "") }
        return "\(seconds)s"
    }
}
