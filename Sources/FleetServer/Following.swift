import FleetAPI
import FleetModel
import FleetRuntime
import ServiceLifecycle

/// Tells a client, line by line, what becomes of what it has asked for.
struct Following<Follower: SnapshotFollower> {
    private var follower: Follower
    private let control: any FleetControl
    private let subject: String
    private let complete: @Sendable ([Follower.Progress]) async -> [Follower.Progress]
    /// Why the registry could not be read, as it was told last; nil since it could.
    private var told: String?

    /// `subject` is what is followed, in the user's words: "change". `complete` adds to the news what no snapshot has.
    init(
        _ follower: Follower,
        of subject: String,
        with control: any FleetControl,
        complete: @escaping @Sendable ([Follower.Progress]) async -> [Follower.Progress] = { $0 }
    ) {
        self.follower = follower
        self.subject = subject
        self.control = control
        self.complete = complete
    }

    /// Looks at every new snapshot until all is over, which ends in `done`. There is no `done` when fleetd stops first:
    /// what was asked for stays, and whoever waits for it asks again.
    mutating func run(_ writer: inout LineWriter) async throws {
        // Before the first look, so that no change falls between the two.
        let changes = control.changes()
        if try await look(&writer) { return }
        for await _ in changes.cancelOnGracefulShutdown() {
            if try await look(&writer) { return }
        }
        try Task.checkCancellation()
        let message = "fleetd is stopping: the \(subject) is stored, but nobody follows it here any more"
        try await writer.write([Follower.Progress.warning(message)])
    }

    /// True when all is over. A registry that cannot be read for a while is something to wait for too.
    private mutating func look(_ writer: inout LineWriter) async throws -> Bool {
        let snapshot: Snapshot
        do throws(APIError) {
            snapshot = try await control.snapshot()
        } catch {
            guard told != error.error.message else { return false }
            told = error.error.message
            try await writer.write([Follower.Progress.waiting(error.error.message)])
            return false
        }
        told = nil
        try await writer.write(await complete(follower.advance(to: snapshot)))
        if follower.isDone { try await writer.write([Follower.Progress.done]) }
        return follower.isDone
    }
}
