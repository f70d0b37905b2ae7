/// The time that one call has, and the pauses between its tries.
struct Pause {
    private let deadline: ContinuousClock.Instant
    private var length: Duration
    private let longest: Duration
    private let shortest: Duration
    private let sleep: Sleep

    /// Waits, and throws when the task is cancelled.
    typealias Sleep = @Sendable (Duration) async throws -> Void

    init(_ patience: Patience, sleep: @escaping Sleep) {
        deadline = ContinuousClock.now + patience.request
        length = patience.firstPause
        longest = patience.longestPause
        shortest = patience.shortestTry
        self.sleep = sleep
    }

    /// What is left of the time; never so little that a try has no meaning.
    var left: Duration { max(deadline - ContinuousClock.now, shortest) }

    /// Waits before the next try; a short one when the next try is likely to succeed. False when there is no time for
    /// one, or the task was cancelled.
    mutating func wait(short: Bool = false) async -> Bool {
        if short { return ContinuousClock.now < deadline && !Task.isCancelled }
        guard ContinuousClock.now + length < deadline else { return false }
        do { try await sleep(length) } catch { return false }
        length = min(length * 2, longest)
        return true
    }
}
