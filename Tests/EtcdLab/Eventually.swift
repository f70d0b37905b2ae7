/// Polls until `condition` holds; throws when it does not in time.
package func eventually(
    _ what: @autoclosure () -> String,
    within limit: Duration = .seconds(30),
    every pause: Duration = .milliseconds(10),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        if ContinuousClock.now > deadline { throw EtcdLabError("not in time: \(what())") }
        try await Task.sleep(for: pause)
    }
}
