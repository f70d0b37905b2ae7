/// The time that one call has, and the pauses between its tries.
struct Pause {
    private let deadline: ContinuousClock.Instant
    private var length: Duration
    private let longest: Duration
    private let shortest: Duration

    init(_ patience: Patience) {
        deadline = ContinuousClock.now + patience.request
        length = patience.firstPause
        longest = patience.longestPause
        shortest = patience.shortestTry
    }

    /// What is left of the time; never so little that a try has no meaning.
    var left: Duration { max(deadline - ContinuousClock.now, shortest) }

    /// Waits before the next try; a short one when the next try is likely to succeed. False when there is no time for
    /// one, or the task was cancelled.
    mutating func wait(short: Bool = false) async -> Bool {
        if short { return ContinuousClock.now < deadline && !Task.isCancelled }
        guard ContinuousClock.now + length < deadline else { return false }
        do { try await Task.sleep(for: length) } catch { return false }
        length = min(length * 2, longest)
        return true
    }
}
