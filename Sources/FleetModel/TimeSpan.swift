/// Time spans as systemd.time(7) writes them: `5min 20s`, `1.5h`, `300` (seconds), `infinity`.
package enum TimeSpan {
    package enum Parsed: Hashable, Sendable {
        case finite(Duration)
        case infinite
    }

    /// nil for what systemd would not read, and for spans longer than `Limits.longestSpan`.
    package static func parse(_ text: String) -> Parsed? {
        if text == "infinity" { return .infinite }
        var rest = Array(text.utf8)[...]
        var total: UInt64 = 0
        var isEmpty = true
        while true {
            rest = rest.drop(while: isSpace)
            guard !rest.isEmpty else { return isEmpty ? nil : finite(total) }
            guard let part = component(&rest) else { return nil }
            total += part
            guard total <= longest else { return nil }
            isEmpty = false
        }
    }

    /// As systemd prints one: `5min 20s`; zero is `0`.
    package static func format(_ span: Duration) -> String {
        var rest = span.milliseconds
        var parts: [String] = []
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)] {
            let count = rest / Int64(length)
            rest %= Int64(length)
            if count > 0 { parts.append("\(count)\(unit)") }
        }
        return parts.isEmpty ? "0" : parts.joined(separator: " ")
    }

    private static let longest = UInt64(Limits.longestSpan.milliseconds) * 1000

    private static func finite(_ microseconds: UInt64) -> Parsed { .finite(.microseconds(Int64(microseconds))) }

    /// One number with its unit, in microseconds; at most `longest`, so that a sum of two does not overflow.
    private static func component(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        let whole = digits(&rest)
        var fraction: ArraySlice<UInt8> = []
        let hasPoint = rest.first == UInt8(ascii: ".")
        if hasPoint {
            rest = rest.dropFirst()
            fraction = digits(&rest)
        }
        // systemd reads ".5s" but not "5.s".
        guard hasPoint ? !fraction.isEmpty : !whole.isEmpty else { return nil }
        let gap = rest.prefix(while: isSpace)
        rest = rest.dropFirst(gap.count)
        let name = rest.prefix { !isSpace($0) && !isDigit($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-") }
        guard let unit = name.isEmpty ? second : units[String(decoding: name, as: UTF8.self)] else { return nil }
        // "12.34.56" is a slip; "12.34 .56" is two numbers.
        guard !name.isEmpty || !gap.isEmpty || rest.isEmpty else { return nil }
        rest = rest.dropFirst(name.count)
        var sum: UInt64 = 0
        for digit in whole {
            sum = sum * 10 + UInt64(digit - UInt8(ascii: "0"))
            guard sum <= longest / unit else { return nil }
        }
        sum *= unit
        var place = unit / 10
        for digit in fraction {
            sum += UInt64(digit - UInt8(ascii: "0")) * place
            place /= 10
        }
        return sum <= longest ? sum : nil
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let run = rest.prefix(while: isDigit)
        rest = rest.dropFirst(run.count)
        return run
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 10 || byte == 13 }

    private static let second: UInt64 = 1_000_000

    /// Microseconds of every unit of systemd.time(7); a month is 30.44 days and a year 365.25.
    private static let units: [String: UInt64] = [
        "usec": 1, "us": 1, "µs": 1, "μs": 1,
        "msec": 1000, "ms": 1000,
        "seconds": second, "second": second, "sec": second, "s": second,
        "minutes": 60 * second, "minute": 60 * second, "min": 60 * second, "m": 60 * second,
        "hours": 3600 * second, "hour": 3600 * second, "hr": 3600 * second, "h": 3600 * second,
        "days": 86_400 * second, "day": 86_400 * second, "d": 86_400 * second,
        "weeks": 604_800 * second, "week": 604_800 * second, "w": 604_800 * second,
        "months": 2_629_800 * second, "month": 2_629_800 * second, "M": 2_629_800 * second,
        "years": 31_557_600 * second, "year": 31_557_600 * second, "y": 31_557_600 * second,
    ]
}
