package import FleetModel
package import FleetRegistry
package import FleetRuntime
package import Logging

/// The embedded registry: one SQLite file, owned by one process at a time.
///
/// `Writer` has the only connection that writes, `Reader` one that reads beside it, `WatchHub` hands committed changes
/// out, `LeaseTable` knows the leases. Nothing of it wakes up by itself, unless a lease has a deadline.
package final class SQLiteStore: KeyValueStore {
    private let writer: Writer
    private let reader: Reader
    private let hub: WatchHub
    private let leases: LeaseTable

    private init(writer: Writer, reader: Reader, hub: WatchHub, leases: LeaseTable) {
        self.writer = writer
        self.reader = reader
        self.hub = hub
        self.leases = leases
    }

    /// Opens the registry at `path`, making it if there is none; its directory must exist. Keys on the leases of
    /// earlier processes are deleted, in one revision.
    ///
    /// Throws `inUse` when another process has it open, `corrupt` when it is damaged, `newerFormat` when a newer
    /// fleetd wrote it, `invalid` when it is something else, `full` or `unavailable` when the file cannot be used.
    package static func open(
        path: String,
        logger: Logger,
        clock: some Clock<Duration> = ContinuousClock(),
        tuning: StoreTuning = StoreTuning()
    ) async throws(StoreError) -> SQLiteStore {
        let file = StoreFile(path: path)
        let hub = WatchHub(tuning: tuning)
        let leases = LeaseTable(clock: LeaseClock(clock), retry: tuning.leaseEndRetry)
        let writer = Writer(file: file, tuning: tuning, hub: hub, leases: leases, logger: logger)
        let reader = Reader(file: file, tuning: tuning)
        do {
            try await writer.open()
            try await reader.open()
        } catch {
            await reader.shutDown()
            await writer.shutDown()
            throw file.failure.error(error)
        }
        leases.whenEnded { [weak writer] lease in
            guard case .committed = await writer?.submit(.endLease(lease)) else { return false }
            return true
        }
        return SQLiteStore(writer: writer, reader: reader, hub: hub, leases: leases)
    }

    package func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer {
        precondition(limit >= 0, "a limit of \(limit) entries")
        return try await reader.entries(in: range, limit: limit)
    }

    package func commit(_ transaction: Transaction) async -> CommitOutcome {
        if let defect = transaction.defect { return .refused(StoreError(.invalid, defect)) }
        return await writer.submit(.transaction(transaction))
    }

    package func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        let ticket = WatchTicket(range, from: start, hub: hub, reader: reader)
        return AsyncThrowingStream { try await ticket.next() }
    }

    package func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID {
        try leases.grant(life)
    }

    package func keepAlive(_ lease: LeaseID) async throws(StoreError) {
        try leases.keepAlive(lease)
    }

    package func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime? {
        try leases.time(of: lease)
    }

    package func revoke(_ lease: LeaseID) async throws(StoreError) {
        let taken = try leases.take(lease)
        guard let error = await writer.submit(.endLease(lease)).error else { return }
        leases.putBack(lease, taken)
        throw error
    }

    package func compact(to revision: Revision) async throws(StoreError) {
        if let error = await writer.submit(.compact(to: revision)).error { throw error }
    }

    package func close() async {
        leases.close()
        writer.stopAccepting()
        hub.close()
        await reader.shutDown()
        await writer.shutDown()
    }
}
