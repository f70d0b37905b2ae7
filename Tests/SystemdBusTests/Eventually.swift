import Foundation

/// Polls `isSo` until it holds; throws `failure` when it does not in time.
func eventually(
    within limit: Duration,
    else failure: () -> TestFailure,
    _ isSo: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !isSo() {
        guard ContinuousClock.now < deadline else { throw failure() }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// The same before there is anything that could be awaited: while the machine boots.
func eventually(_ what: String, _ isThere: () -> Bool) throws(TestFailure) {
    let deadline = ContinuousClock.now + .seconds(30)
    while !isThere() {
        guard ContinuousClock.now < deadline else { throw TestFailure("\(what) did not come up in 30 s") }
        usleep(10_000)
    }
}
