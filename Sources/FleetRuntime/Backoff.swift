/// Waits between tries of something outside that fails: doubles from `first` up to `longest`. Without jitter: every
/// user of it is one process talking to its own machine or to a store that orders its clients itself.
package struct Backoff: Hashable, Sendable {
    private let first: Duration
    private let longest: Duration
    private var next: Duration

    package init(first: Duration = .milliseconds(100), longest: Duration = .seconds(5)) {
        self.first = first
        self.longest = longest
        next = first
    }

    /// How long to wait before the next try.
    package mutating func delay() -> Duration {
        defer { next = min(next * 2, longest) }
        return next
    }

    /// After a success.
    package mutating func reset() { next = first }
}
