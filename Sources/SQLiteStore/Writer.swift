import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import Synchronization

/// The only connection that writes. Commits that arrive while one is being synced wait together and then share one
/// SQLite transaction, so sixty-four writers cost a few fsyncs and not sixty-four. Each keeps its own revision and its
/// own outcome.
actor Writer {
    private struct Submission: Sendable {
        let work: Work
        let done: CheckedContinuation<CommitOutcome, Never>
    }

    private struct Inbox {
        var waiting: [Submission] = []
        var isDraining = false
        var isClosed = false
    }

    private let executor = QueueExecutor(label: "fleet.registry.writer")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let file: StoreFile
    private let tuning: StoreTuning
    private let logger: Logger
    private let hub: WatchHub
    private let leases: LeaseTable
    private let inbox = Mutex(Inbox())
    private var lock: StoreLock?
    private var connection: Connection?
    /// nil after a failure: then they are read again.
    private var counters: Counters?
    private var lastFailure: StoreError?

    init(file: StoreFile, tuning: StoreTuning, hub: WatchHub, leases: LeaseTable, logger: Logger) {
        self.file = file
        self.tuning = tuning
        self.hub = hub
        self.leases = leases
        self.logger = logger
    }

    /// Takes ownership of the file, checks it, and ends the leases of earlier processes.
    func open() throws {
        let lock = try StoreLock(path: file.lockPath, registry: file.path)
        try file.prepare()
        let connection = try Connection(path: file.path, mode: .readWrite)
        connection.setBusyTimeout(tuning.busyTimeout)
        try connection.setUp(file: file, tuning: tuning)
        var counters = try connection.counters()
        try connection.execute(Schema.begin)
        let ended = try connection.delete(Schema.leasedKeys, [], to: &counters)
        try connection.execute(Schema.commit)
        hub.advance(to: counters.revision, oldest: counters.oldest)
        logger.debug(
            "registry opened",
            metadata: [
                "path": "\(file.path)", "revision": "\(counters.revision)", "ended": "\(ended.events.count)",
            ]
        )
        self.lock = consume lock
        self.connection = connection
        self.counters = counters
    }

    /// Gives the file up, once everything that was accepted is done.
    func shutDown() {
        drain()
        connection = nil
        lock = nil
    }

    /// No submission is accepted from now on.
    nonisolated func stopAccepting() {
        inbox.withLock { $0.isClosed = true }
    }

    /// Returns when the outcome is durable, or known not to be.
    nonisolated func submit(_ work: Work) async -> CommitOutcome {
        await withCheckedContinuation { done in
            let (isAccepted, mustStart) = inbox.withLock { inbox in
                guard !inbox.isClosed else { return (false, false) }
                inbox.waiting.append(Submission(work: work, done: done))
                let isFirst = !inbox.isDraining
                inbox.isDraining = true
                return (true, isFirst)
            }
            guard isAccepted else { return done.resume(returning: .refused(.closed)) }
            if mustStart { Task { await self.drain() } }
        }
    }

    private func drain() {
        while let group = nextGroup() {
            for (submission, outcome) in zip(group, process(group.map(\.work))) {
                submission.done.resume(returning: outcome)
            }
        }
    }

    private nonisolated func nextGroup() -> [Submission]? {
        inbox.withLock { inbox in
            guard !inbox.waiting.isEmpty else {
                inbox.isDraining = false
                return nil
            }
            let group = Array(inbox.waiting.prefix(tuning.transactionsPerGroup))
            inbox.waiting.removeFirst(group.count)
            return group
        }
    }

    /// The outcomes of `works`, in order. A group that does not fit on the disk is tried again one by one, so that a
    /// large transaction takes no smaller one with it.
    private func process(_ works: [Work]) -> [CommitOutcome] {
        let (outcomes, error) = attempt(works, trims: true)
        guard error?.code == .full else {
            note(error)
            return outcomes
        }
        return works.flatMap { work in
            let (outcomes, error) = attempt([work], trims: false)
            note(error)
            return outcomes
        }
    }

    /// Says once that writing fails and once that it works again, however many commits there are in between.
    private func note(_ error: StoreError?) {
        if let error, error != lastFailure { logger.error("\(error.message)") }
        if error == nil, lastFailure != nil { logger.notice("the registry can be written again") }
        lastFailure = error
    }

    /// Runs `works` in one SQLite transaction. The second value is what stopped all of them.
    private func attempt(_ works: [Work], trims: Bool) -> (outcomes: [CommitOutcome], failure: StoreError?) {
        guard let connection else { return (works.map { _ in .refused(.closed) }, nil) }
        var applied: [Applied] = []
        do {
            var counters = try currentCounters(connection)
            try connection.run(Schema.begin)
            for work in works {
                applied.append(try connection.apply(work, to: &counters, isAlive: leases.isAlive))
            }
            if trims { try connection.trim(&counters, tuning) }
            if let outcome = commit(connection) { return (works.map { _ in outcome }, outcome.error) }
            self.counters = counters
            hub.publish(applied.map(\.events), last: counters.revision, oldest: counters.oldest)
            return (applied.map(\.outcome), nil)
        } catch {
            abandon(connection)
            let failure = file.failure.error(error)
            return (works.map { _ in .refused(failure) }, failure)
        }
    }

    /// nil when the transaction is durable.
    private func commit(_ connection: Connection) -> CommitOutcome? {
        do {
            try connection.run(Schema.commit)
            return nil
        } catch {
            abandon(connection)
            return file.failure.outcome(ofFailedCommit: error)
        }
    }

    /// Undoes what is left of a failed transaction. SQLite has rolled back by itself after some errors.
    private func abandon(_ connection: Connection) {
        counters = nil
        guard connection.isInsideTransaction else { return }
        do {
            try connection.execute("ROLLBACK")
        } catch {
            logger.error("\(file.failure.error(error).message)")
        }
    }

    /// After a failure the counters are read again; a commit of unknown outcome may turn out to have been applied, and
    /// then the watches find its changes in the history.
    private func currentCounters(_ connection: Connection) throws -> Counters {
        if let counters { return counters }
        let counters = try connection.counters()
        hub.advance(to: counters.revision, oldest: counters.oldest)
        self.counters = counters
        return counters
    }
}

extension CommitOutcome {
    /// What stands in the way of a commit.
    var error: StoreError? {
        switch self {
        case .committed, .conflict: nil
        case .refused(let error), .unknown(let error): error
        }
    }
}

extension StoreError {
    static let closed = StoreError(.closed, "The registry has been closed.")
}
