/// Waits, without a timer, until the task is cancelled; then throws `CancellationError`.
package func waitForCancellation() async throws -> Never {
    let (never, continuation) = AsyncStream.makeStream(of: Never.self)
    for await _ in never {}
    continuation.finish()
    throw CancellationError()
}
