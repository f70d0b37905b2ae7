package import FleetModel
package import FleetRegistry

/// Port: the registry's storage, with etcd's model (ordered keys, one revision counter, transactions with compare,
/// leases, watches, compaction). One contract suite holds every implementation to this text.
package protocol KeyValueStore: Sendable {
    /// All entries of `range` in key order, as of one revision, which comes back with them. `limit` 0 means no limit.
    /// Reads are linearizable: they see every transaction that was reported committed before the call.
    func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer

    /// Applies `transaction` atomically. Returns once the outcome is known and durable, or cannot be known.
    /// One that changes nothing (no operations, or deletes that find no key) is committed at the current revision; a
    /// put of the same value is a change. Refused as `invalid` are those with a `Transaction.defect`, as
    /// `leaseNotFound` those that put with a lease that has ended (if a compare does not hold either, `conflict` is as
    /// true).
    func commit(_ transaction: Transaction) async -> CommitOutcome

    /// Every change of `range` from `start` on (inclusive), in revision order, one batch per revision or more, never a
    /// revision split over two batches. A batch without events says how far a quiet range has been followed. Ends by
    /// throwing: `compacted` when `start` is no longer there (list again), `unavailable` when the connection is gone
    /// (watch again from the last revision seen), `closed`.
    func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error>

    /// A new lease. Keys put with it are deleted, in one revision, when it ends.
    func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID

    /// Starts the lease's time again. Throws `leaseNotFound` when it has ended.
    func keepAlive(_ lease: LeaseID) async throws(StoreError)

    /// How much of its time a lease has left, of which second at most one is not counted; nil when it has no end while
    /// the store is open. Throws `leaseNotFound` when it has ended.
    func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime?

    /// Ends the lease now. Throws `leaseNotFound` when it has ended.
    func revoke(_ lease: LeaseID) async throws(StoreError)

    /// Forgets the history before `revision`: a watch can no longer start there. `invalid` when `revision` is yet to
    /// come; nothing happens when it was compacted already. A watch that is up to date goes on.
    func compact(to revision: Revision) async throws(StoreError)

    /// Ends all watches and releases what the store holds. Nothing may be called afterwards.
    func close() async
}

/// How long a lease lives.
package enum LeaseLife: Hashable, Sendable {
    /// Until this long after it was granted or last kept alive; at least one second on etcd.
    case ttl(Duration)
    /// For as long as this process has the store open: an embedded registry's machine is present exactly that long, and
    /// nothing has to be written or woken up to say so. A lease left by an earlier process has ended. etcd refuses it
    /// as `invalid`: no lease there outlives an outage, so nobody could keep this promise.
    case whileOpen
}

/// What a lease has left, and what it has right after a renewal.
package struct LeaseTime: Hashable, Sendable {
    package var left: Duration
    package var whole: Duration

    package init(left: Duration, whole: Duration) {
        self.left = left
        self.whole = whole
    }
}

package struct RangeAnswer: Hashable, Sendable {
    package var entries: [StoredEntry]
    package var revision: Revision
    /// True when `limit` cut the answer.
    package var isCut: Bool

    package init(entries: [StoredEntry], revision: Revision, isCut: Bool = false) {
        self.entries = entries
        self.revision = revision
        self.isCut = isCut
    }
}

package struct WatchBatch: Hashable, Sendable {
    package var events: [StoreEvent]
    /// Every change up to and including this revision has now been delivered.
    package var revision: Revision

    package init(events: [StoreEvent], revision: Revision) {
        self.events = events
        self.revision = revision
    }
}

/// What became of a transaction. `unknown` is a normal outcome: the caller reads again, it never guesses.
package enum CommitOutcome: Hashable, Sendable {
    case committed(Revision)
    /// A compare did not hold. Nothing was changed.
    case conflict
    /// Nothing was changed, for a reason that is not the transaction's (disk full, say).
    case refused(StoreError)
    /// It may or may not have been applied.
    case unknown(StoreError)
}

/// An operating error of a store.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        case unavailable, compacted, leaseNotFound, closed
        /// The disk is full; nothing was changed.
        case full
        /// Another process has the embedded registry open.
        case inUse
        /// What is stored cannot be read.
        case corrupt
        /// Stored by a newer version of fleet.
        case newerFormat
        case invalid
    }

    package var code: Code
    /// What happened and what to do about it.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
