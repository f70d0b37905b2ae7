import Testing

/// Polls until `condition` holds; records an issue, with what `describe` says, when it does not in time. The limit is
/// generous, because tests that only compute may have all cores for half a minute.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(120),
    describe: () -> String = { "" },
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        if ContinuousClock.now > deadline {
            Issue.record("not in time: \(what) \(describe())")
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(1))
    }
}
