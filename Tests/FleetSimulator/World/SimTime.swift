/// A point of virtual time, in microseconds since the simulation began. The one true time: the registry's leases count
/// it, while machines have clocks of their own (`SimClock`).
package struct SimTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let microseconds: Int64

    static let start = SimTime(microseconds: 0)

    package static func < (left: SimTime, right: SimTime) -> Bool { left.microseconds < right.microseconds }

    func advanced(by span: SimSpan) -> SimTime { SimTime(microseconds: microseconds + span.microseconds) }
    func since(_ earlier: SimTime) -> SimSpan { SimSpan(microseconds: microseconds - earlier.microseconds) }

    /// `123.456789`, in seconds.
    package var description: String {
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}

/// A length of virtual time. `Duration` has 128 bits, which a heap of a million events does not need.
package struct SimSpan: Hashable, Comparable, Sendable, CustomStringConvertible {
    let microseconds: Int64

    static let zero = SimSpan(microseconds: 0)

    init(microseconds: Int64) { self.microseconds = microseconds }

    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    static func milliseconds(_ count: Int64) -> SimSpan { SimSpan(microseconds: count * 1000) }
    package static func seconds(_ count: Int64) -> SimSpan { SimSpan(microseconds: count * 1_000_000) }

    package static func < (left: SimSpan, right: SimSpan) -> Bool { left.microseconds < right.microseconds }

    static func + (left: SimSpan, right: SimSpan) -> SimSpan {
        SimSpan(microseconds: left.microseconds + right.microseconds)
    }

    static func * (span: SimSpan, factor: Int64) -> SimSpan { SimSpan(microseconds: span.microseconds * factor) }

    var duration: Duration { .microseconds(microseconds) }

    package var description: String { "\(duration)" }
}
