package import FleetModel
package import FleetRegistry
package import Logging
import ServiceLifecycle

/// Keeps the fleet's `Snapshot` warm: lists the registry once, then follows one watch. The engine, the API and whoever
/// else in this process reads the fleet's state reads it here.
///
/// A lost watch is taken up again where it broke off; a compacted one starts with a new list. Meanwhile the last
/// snapshot stays readable, and `condition` says that it is old.
package actor RegistryService: Service {
    /// How far the snapshot can be trusted.
    package enum Condition: Hashable, Sendable {
        /// The registry was never read; the text says why.
        case unread(String)
        case current
        /// The watch is lost since `since`; the text says why.
        case stale(since: Timestamp, String)
        /// A newer fleet is at work there: this one neither writes nor decides.
        case tooNew(String)
    }

    /// A reader's place: what changed since it looked last.
    private struct Subscription {
        var pending: Changes
        var signal: AsyncStream<Void>.Continuation
    }

    package nonisolated let keyspace: Keyspace
    package private(set) var condition = Condition.unread("the registry has not been read yet")

    /// When the last outage ended that this fleetd has seen, by the clock that nobody sets. One that is over within
    /// `briefOutage` is none: a member of etcd was lost, and another one answered.
    package private(set) var outageEnded: Duration?
    private var failingSince: Duration?

    /// Going over to another member takes a fraction of this; a lease that ends while nobody answers takes longer.
    package static let briefOutage = Duration.seconds(2)

    private let store: any KeyValueStore
    private let clock: any WallClock
    private let version: String
    private let mayDeclare: @Sendable () async -> Bool
    private let own: OwnKeys?
    private let noticed: @Sendable (OwnKeys.News) -> Void
    private let log: Logger
    private var feed: SnapshotFeed
    private var isListed = false
    private var reported: Set<Key> = []
    private var events: EventFeed
    private var subscriptions: [Int: Subscription] = [:]
    private var nextSubscription = 0
    private var hasTried = false
    private var waitingForTry: [CheckedContinuation<Void, Never>] = []
    /// What `seek` was asked for at most, and who sees to it.
    private var sought = Revision.zero
    private var seeker: Task<Void, Never>?
    private var waiting: [(revision: Revision, continuation: CheckedContinuation<Void, Never>)] = []

    /// Said of a registry without a format that this machine may not declare.
    package static let noFleet = """
        there is no fleet in it yet, and units of one are on this machine: 'fleetctl registry import FILE' brings that \
        fleet here, 'fleetctl registry import --empty' gives it up and stops them
        """

    /// `version` is fleetd's, stored with the format for people. `mayDeclare` is asked before an empty registry becomes
    /// a fleet's: never while units are on this machine. An empty registry then is the wrong one, or has lost what it
    /// had, or is about to get an import; whatever it is, its emptiness is no reason to stop them. `noticed` is told
    /// what the registry has of the keys `own`.
    package init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        clock: any WallClock,
        version: String,
        mayDeclare: @escaping @Sendable () async -> Bool = { true },
        own: OwnKeys? = nil,
        noticed: @escaping @Sendable (OwnKeys.News) -> Void = { _ in },
        log: Logger
    ) {
        self.store = store
        self.keyspace = keyspace
        self.clock = clock
        self.version = version
        self.mayDeclare = mayDeclare
        self.own = own
        self.noticed = noticed
        self.log = log
        feed = SnapshotFeed(keyspace: keyspace)
        events = EventFeed(keyspace: keyspace)
    }

    /// The newest snapshot; empty while `condition` is `unread`.
    package var snapshot: Snapshot { feed.snapshot }

    /// A stream that yields after every folded batch (newest only), and the id to `take` what changed with. The first
    /// element comes at once if the registry was read already.
    package func subscribe() -> (id: Int, signals: AsyncStream<Void>) {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = nextSubscription
        nextSubscription += 1
        subscriptions[id] = Subscription(pending: Changes(all: isListed), signal: continuation)
        if isListed { continuation.yield() }
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.unsubscribe(id) }
        }
        return (id, signals)
    }

    /// All that changed since the last call, with the snapshot that has it.
    package func take(_ id: Int) -> (changes: Changes, snapshot: Snapshot) {
        let changes = subscriptions[id]?.pending ?? Changes()
        subscriptions[id]?.pending = Changes()
        return (changes, feed.snapshot)
    }

    /// Events from now on, as they are folded in. Ends when the reader falls far behind, and with this service.
    package func newEvents() -> AsyncStream<[FleetEvent]> {
        let (id, stream, continuation) = events.add(feed.snapshot, now: clock.now())
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.dropEvents(id) }
        }
        return stream
    }

    private func dropEvents(_ id: Int) { events.drop(id) }

    /// Returns once the snapshot holds everything up to `revision`.
    package func folded(upTo revision: Revision) async {
        guard feed.snapshot.revision < revision else { return }
        seek(revision)
        await withCheckedContinuation { waiting.append((revision, $0)) }
    }

    /// Sees to it that the snapshot comes to `revision`, which the store has reached.
    ///
    /// Others may use the same store: their writes move its counter and never come over the watch. So if the watch
    /// stays silent, everything is listed, which shows that nothing was missed.
    package func seek(_ revision: Revision) {
        guard feed.snapshot.revision < revision else { return }
        sought = max(sought, revision)
        if seeker == nil { seeker = Task { await listUnlessFolded() } }
    }

    /// How long a watch may take to bring what the store had already.
    package static let patience = Duration.seconds(1)

    private func listUnlessFolded() async {
        defer { seeker = nil }
        while feed.snapshot.revision < sought {
            do { try await clock.sleep(for: Self.patience) } catch { return }
            guard feed.snapshot.revision < sought else { return }
            // While the registry cannot be reached, following it is what goes on trying.
            guard let answer = try? await store.range(keyspace.all, limit: 0) else { continue }
            if answer.revision > feed.snapshot.revision { fold(answer) }
        }
    }

    /// Returns once the first reading of the registry has ended, well or not: a request that comes with fleetd's own
    /// start waits for the answer instead of being told that there is none yet.
    package func firstReading() async {
        guard !hasTried else { return }
        await withCheckedContinuation { waitingForTry.append($0) }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
        endFirstReading()
        seeker?.cancel()
        for subscription in subscriptions.values { subscription.signal.finish() }
        events.end()
        for waiter in waiting { waiter.continuation.resume() }
        waiting = []
    }

    private func unsubscribe(_ id: Int) {
        subscriptions[id] = nil
    }

    private func follow() async {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                if try await !confirm() { try await list() }
                backoff.reset()
                try await watch()
            } catch is CancellationError {
                return
            } catch let error as StoreError where error.code == .compacted {
                log.notice(
                    "The registry's history no longer reaches back to what was read last; reading all of it again"
                )
                isListed = false
            } catch {
                guard !Task.isCancelled else { return }
                note(failure: "\(error)")
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
            }
        }
    }

    private func list() async throws {
        var answer = try await store.range(keyspace.all, limit: 0)
        let format = RegistryKey.format.key(in: keyspace)
        if !answer.entries.contains(where: { $0.key == format }), await mayDeclare(),
            // An import that has not ended leaves what is durable; so does nobody else but machines that register.
            answer.entries.allSatisfy({ $0.lease != nil || isOfAMachine($0.key) })
        {
            try await declareFormat()
            answer = try await store.range(keyspace.all, limit: 0)
        }
        isListed = true
        fold(answer)
    }

    private func isOfAMachine(_ key: Key) -> Bool {
        if case .known? = RegistryKey(key, in: keyspace) { true } else { false }
    }

    /// Everything there is. What is newer than the snapshot is news to those who follow events.
    private func fold(_ answer: RangeAnswer) {
        let known = feed.snapshot.revision
        let news = known == .zero ? [] : answer.entries.filter { $0.modified > known }
        let changes = feed.list(answer.entries, at: answer.revision)
        let hasGoneBack = answer.revision < known
        if hasGoneBack { goBack() }
        folded(changes, news)
        if let own {
            noticed(own.news(listed: answer.entries, at: answer.revision, hasGoneBack: hasGoneBack))
        }
    }

    /// The registry was restored from a backup: revisions that were waited for are no more.
    private func goBack() {
        log.warning("The registry is older than what was read before, as after a restore; going on with what it has")
        sought = .zero
        for waiter in waiting { waiter.continuation.resume() }
        waiting = []
    }

    /// Before a watch is taken up again: the registry answers, and has all that was read. In a fleet at rest nothing
    /// may ever change again that would tell.
    private func confirm() async throws -> Bool {
        guard isListed else { return false }
        let answer = try await store.range(.key(RegistryKey.format.key(in: keyspace)), limit: 1)
        guard answer.revision >= feed.snapshot.revision else { return false }
        folded(Changes())
        return true
    }

    private func watch() async throws {
        for try await batch in store.watch(keyspace.all, from: feed.snapshot.revision.next) {
            // A list may have been quicker.
            let known = feed.snapshot.revision
            let changes = batch.events.filter { $0.revision > known }
            folded(feed.apply(changes, upTo: batch.revision), changes.compactMap(\.entry))
            if let news = own?.news(of: changes, upTo: batch.revision) { noticed(news) }
        }
        try Task.checkCancellation()
        throw StoreError(.unavailable, "the registry ended its watch")
    }

    /// The first fleetd of all writes which form the values have.
    private func declareFormat() async throws {
        let key = RegistryKey.format.key(in: keyspace)
        let format = RegistryFormat(minimumReader: RegistryValue.version, writer: version)
        let transaction = Transaction(
            compares: [.absent(key)],
            operations: [.put(key, RegistryValue.encode(format), lease: nil)]
        )
        switch await store.commit(transaction) {
        case .committed, .conflict: return
        case .refused(let error), .unknown(let error): throw error
        }
    }

    private func endFirstReading() {
        hasTried = true
        for waiter in waitingForTry { waiter.resume() }
        waitingForTry = []
    }

    private func folded(_ changes: Changes, _ news: [StoredEntry] = []) {
        defer { endFirstReading() }
        noteAnswer()
        guard feed.format != nil else { return hold(changes) }
        if feed.isTooNew, let format = feed.format {
            condition = .tooNew(
                "fleet \(format.writer) has declared a registry format that fleet \(version) does not know: "
                    + "upgrade fleetd on this machine"
            )
        } else {
            if case .stale = condition { log.notice("The registry can be read again") }
            condition = .current
        }
        report()
        events.tell(news, feed.snapshot, now: clock.now())
        tell(changes)
        for subscription in subscriptions.values { subscription.signal.yield() }
    }

    /// A registry without a format: whoever follows it hears nothing until there is one.
    private func hold(_ changes: Changes) {
        if condition != .unread(Self.noFleet) { log.error("The registry is left alone: \(Self.noFleet)") }
        condition = .unread(Self.noFleet)
        tell(changes)
    }

    private func tell(_ changes: Changes) {
        for id in subscriptions.keys { subscriptions[id]?.pending.merge(changes) }
        let revision = feed.snapshot.revision
        let ready = waiting.filter { $0.revision <= revision }
        waiting.removeAll { $0.revision <= revision }
        for waiter in ready { waiter.continuation.resume() }
    }

    private func noteAnswer() {
        guard let since = failingSince else { return }
        failingSince = nil
        let now = clock.elapsed()
        if now - since >= Self.briefOutage { outageEnded = now }
    }

    private func note(failure: String) {
        defer { endFirstReading() }
        if failingSince == nil { failingSince = clock.elapsed() }
        switch condition {
        case .current:
            log.error("The registry cannot be read: \(failure); going on with what was read last")
            condition = .stale(since: clock.now(), failure)
        case .unread(let before) where before != failure:
            log.error("The registry cannot be read: \(failure)")
            condition = .unread(failure)
        case .unread, .stale, .tooNew: break
        }
    }

    /// Says once of every key that it cannot be read.
    private func report() {
        let problems = feed.problems
        for (key, reason) in problems.sorted(by: { $0.key < $1.key }) where !reported.contains(key) {
            log.error("The registry holds something unreadable, which is left alone: \(reason)")
        }
        reported = Set(problems.keys)
    }
}
