/// Bounds of the agent's core.
package enum AgentLimits {
    /// First wait before an operation that did not get where it should is repeated.
    package static let firstRetry = Duration.seconds(1)
    /// No such wait is longer: one call a minute costs nothing, and a person who mended the cause does not wait long.
    package static let longestRetry = Duration.seconds(60)
    /// Automatic restarts without a good run between them that make a crash loop. Twice systemd's own limit
    /// (`DefaultStartLimitBurst=5`), so that wherever systemd's limit can act, it is systemd that decides.
    package static let crashLoopRestarts: UInt32 = 10
    /// A run that stayed up this long was a good one. Long enough for a program that dies at its first request or at a
    /// lost database, short enough that a program which dies once a day never adds up to a loop.
    package static let goodRun = Duration.seconds(60)
    /// The least time from the end of a health check to the next.
    package static let checkPause = Duration.seconds(1)
    /// Until a check has succeeded, the time to the next is as long as checks are made already, within these bounds: a
    /// unit that comes up in a second is seen to be ready after a second, one that takes minutes costs little.
    package static let firstCheckPace = Duration.seconds(1)
    package static let lastCheckPace = Duration.seconds(5)

    /// First wait before a failed pull is repeated while an older run goes on; it doubles.
    package static let firstPullRetry = Duration.seconds(5)
    /// No such wait is longer: registries count what they are asked.
    package static let longestPullRetry = Duration.seconds(300)

    /// The wait after `count` failed pulls.
    static func pullDelay(after count: Int) -> Duration {
        min(longestPullRetry, firstPullRetry * (1 << min(max(count - 1, 0), 6)))
    }

    /// The wait before an operation is tried again after `tries` tries of it.
    static func retryDelay(after tries: Int) -> Duration {
        // 2^6 s is past the longest wait already; the bound keeps the shift small.
        min(longestRetry, firstRetry * (1 << min(max(tries - 1, 0), 6)))
    }
}
