import FleetModel
import FleetRegistry
import FleetRuntime

/// A connection that only reads, so that a list does not wait for an fsync. A commit shows here once its log is
/// synced and before its caller hears of it, which is what makes these reads linearizable.
actor Reader {
    private let executor = QueueExecutor(label: "fleet.registry.reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let file: StoreFile
    private let tuning: StoreTuning
    private var connection: Connection?

    init(file: StoreFile, tuning: StoreTuning) {
        self.file = file
        self.tuning = tuning
    }

    func open() throws {
        let connection = try Connection(path: file.path, mode: .readOnly)
        connection.setBusyTimeout(tuning.busyTimeout)
        try connection.setUpMemory(tuning)
        self.connection = connection
    }

    func shutDown() { connection = nil }

    func entries(in range: KeyRange, limit: Int) throws(StoreError) -> RangeAnswer {
        try atOneRevision { try $0.entries(in: range, limit: limit) }
    }

    func changes(of range: KeyRange, from start: Revision) throws(StoreError) -> HistoryChunk {
        let tuning = tuning
        return try atOneRevision {
            try $0.changes(of: range, from: start, limit: tuning.catchUpEvents, bytes: tuning.backlogBytes)
        }
    }

    private func atOneRevision<Answer>(_ read: (Connection) throws -> Answer) throws(StoreError) -> Answer {
        guard let connection else { throw .closed }
        do {
            try connection.run(Schema.beginRead)
            let answer = try read(connection)
            try connection.run(Schema.commit)
            return answer
        } catch {
            let failure = file.failure.error(error)
            // A read that failed has nothing to lose; the connection must only not stay inside the transaction.
            if connection.isInsideTransaction { try? connection.execute("ROLLBACK") }
            throw failure
        }
    }
}
