/// Thrown by a check of `eventually` while what it waits for has not come: `seen` says what was there instead.
package struct NotYet: Error, CustomStringConvertible {
    package var seen: String

    package init(_ seen: String) { self.seen = seen }

    package var description: String { seen }
}

/// Polls `check` until it returns without throwing, or throws what it saw last when `limit` is over.
///
/// This is the only wait of the lab and the tests: a test asks for a state and gets it as soon as it is there; time
/// alone proves nothing. The check runs at least once after the limit, so a slow check is not an early failure.
package func eventually<Value>(
    _ what: String,
    within limit: Duration = .seconds(20),
    poll interval: Duration = .milliseconds(100),
    _ check: () async throws -> Value
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
        let isLast = clock.now >= deadline
        do {
            return try await check()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            if isLast { throw LabError("not within \(limit): \(what). Last seen: \(error)") }
        }
        try await clock.sleep(for: interval)
    }
}
