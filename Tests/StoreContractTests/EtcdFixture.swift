import EtcdLab
import EtcdStore
import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import Synchronization

/// Clusters of real etcd that the cases of this process take turns at: starting one takes longer than most cases.
actor EtcdClusters {
    private static let shared: [StoreKind: EtcdClusters] = [
        .etcd34: EtcdClusters(.bookworm, size: 1), .etcd34x3: EtcdClusters(.bookworm, size: 3),
        .etcd34faulty: EtcdClusters(.bookworm, size: 3, isFaulty: true),
        .etcd35faulty: EtcdClusters(.trixie, size: 3, isFaulty: true),
        .etcd35: EtcdClusters(.trixie, size: 1), .etcd35x3: EtcdClusters(.trixie, size: 3),
    ]

    private let program: EtcdProgram
    private let size: Int
    private let isFaulty: Bool
    private var cluster: Task<EtcdCluster, any Error>?
    private var trouble: Trouble?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private init(_ program: EtcdProgram, size: Int, isFaulty: Bool = false) {
        self.program = program
        self.size = size
        self.isFaulty = isFaulty
    }

    /// Runs `body` on a store that looks new, alone on its cluster.
    static func with(_ kind: StoreKind, _ body: (StoreFixture) async throws -> Void) async throws {
        guard let clusters = shared[kind] else { throw EtcdLabError("\(kind) is not etcd") }
        let cluster = try await clusters.take()
        do {
            try await use(cluster, clusters.order(cluster), body)
        } catch {
            await clusters.giveBack()
            throw error
        }
        await clusters.giveBack()
    }

    /// Which members a client uses; nil for all. Trouble begins with the first case and ends with this process.
    private func order(_ cluster: EtcdCluster) async throws -> [Int]? {
        if isFaulty, trouble == nil { trouble = try await Trouble(cluster) }
        return trouble?.order
    }

    private static func use(
        _ cluster: EtcdCluster,
        _ order: [Int]?,
        _ body: (StoreFixture) async throws -> Void
    ) async throws {
        let plain = try EtcdStore.open(cluster.settings(order), logger: quiet) { $0 }
        let base = try await plain.range(.key(Key("none")), limit: 0).revision
        await plain.close()
        let view = ShiftedStore.View(prefix: "\(UUID())/", base: base)
        let fixture = try open(cluster, order, view)
        try await body(fixture)
        await fixture.store.close()
        // A lease that ends later would change the registry under the next case.
        let last = try EtcdStore.open(cluster.settings(order), logger: quiet) { $0 }
        for lease in view.leases.withLock({ $0 }) {
            let error = await errorCode { try await last.revoke(lease) }
            guard error == nil || error == .leaseNotFound else { throw EtcdLabError("lease \(lease) remains") }
        }
        await last.close()
    }

    private static func open(
        _ cluster: EtcdCluster,
        _ order: [Int]?,
        _ view: ShiftedStore.View
    ) throws -> StoreFixture {
        let store = ShiftedStore(try EtcdStore.open(cluster.settings(order), logger: quiet) { $0 }, view)
        return StoreFixture(
            store: store,
            life: .ttl(.seconds(60)),
            advance: { preconditionFailure("nobody moves etcd's clock by \($0)") },
            reopen: {
                await store.close()
                return try open(cluster, order, view)
            }
        )
    }

    private func take() async throws -> EtcdCluster {
        while isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
        do {
            if let cluster { return try await cluster.value }
            let starting = Task { [program, size] in
                try await EtcdCluster.start(
                    program,
                    at: (1...size).map { _ in .fresh() },
                    // Without it, a member of 3.4 that comes back makes the leader stand for election again.
                    arguments: isFaulty ? ["--pre-vote"] : [],
                    isShared: true
                )
            }
            cluster = starting
            return try await starting.value
        } catch {
            giveBack()
            throw error
        }
    }

    private func giveBack() {
        isBusy = false
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }
}

extension EtcdCluster {
    /// How a store reaches these members, or all.
    fileprivate func settings(_ order: [Int]?) -> EtcdSettings {
        var settings = settings
        if let order { settings.endpoints = order.map { members[$0].endpoint } }
        return settings
    }
}

/// A follower that is killed, started again and paused while others use the leader: two members of three are a quorum,
/// and nobody may notice. What the loss of the client's own member means is for `EtcdStoreTests`.
private struct Trouble {
    /// The member that has no trouble and leads comes first.
    let order: [Int]

    init(_ cluster: EtcdCluster) async throws {
        try await cluster.untilReady()
        guard let leader = try await cluster.leader() else { throw EtcdLabError("etcd has no leader") }
        order = [leader, (leader + 1) % 3]
        let victim = cluster.members[(leader + 2) % 3]
        Task {
            while true {
                victim.kill()
                try await Self.letPass(.milliseconds(200))
                try cluster.start(victim)
                try await Self.letPass(.seconds(2))
                victim.pause()
                try await Self.letPass(.milliseconds(300))
                victim.resume()
                try await Self.letPass(.seconds(1))
            }
        }
    }

    private static func letPass(_ time: Duration) async throws {
        // Not a wait: the pace of the trouble.
        try await Task.sleep(for: time)
    }
}

/// A part of an etcd that others have used before, seen as a new registry: keys below a prefix, revisions counted from
/// where it began. All it does is count and rename, so what a case sees is what etcd and `EtcdStore` do.
struct ShiftedStore: KeyValueStore {
    final class View: Sendable {
        let prefix: String
        let base: Revision
        let leases: Mutex<[LeaseID]> = Mutex([])

        init(prefix: String, base: Revision) {
            self.prefix = prefix
            self.base = base
        }
    }

    private let inner: EtcdStore
    private let view: View

    init(_ inner: EtcdStore, _ view: View) {
        self.inner = inner
        self.view = view
    }

    func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer {
        var answer = try await inner.range(there(range), limit: limit)
        answer.entries = answer.entries.map(here)
        answer.revision = here(answer.revision)
        return answer
    }

    func commit(_ transaction: Transaction) async -> CommitOutcome {
        let outcome = await inner.commit(
            Transaction(compares: transaction.compares.map(there), operations: transaction.operations.map(there))
        )
        guard case .committed(let revision) = outcome else { return outcome }
        return .committed(here(revision))
    }

    func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        let (stream, consumer) = AsyncThrowingStream<WatchBatch, any Error>.makeStream()
        let task = Task { [self] in
            do {
                for try await var batch in inner.watch(there(range), from: there(start)) {
                    batch.revision = here(batch.revision)
                    batch.events = batch.events.map(here)
                    consumer.yield(batch)
                }
                consumer.finish()
            } catch {
                consumer.finish(throwing: error)
            }
        }
        consumer.onTermination = { _ in task.cancel() }
        return stream
    }

    func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID {
        let lease = try await inner.grantLease(life)
        view.leases.withLock { $0.append(lease) }
        return lease
    }

    func keepAlive(_ lease: LeaseID) async throws(StoreError) { try await inner.keepAlive(lease) }
    func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime? { try await inner.time(of: lease) }
    func revoke(_ lease: LeaseID) async throws(StoreError) { try await inner.revoke(lease) }
    func compact(to revision: Revision) async throws(StoreError) { try await inner.compact(to: there(revision)) }
    func close() async { await inner.close() }

    private func there(_ revision: Revision) -> Revision { Revision(revision.number + view.base.number) }
    private func here(_ revision: Revision) -> Revision { Revision(revision.number - view.base.number) }

    // An empty key stays one: it must be refused.
    private func there(_ key: Key) -> Key { key == Key("") ? key : Key(view.prefix + key.description) }
    private func here(_ key: Key) -> Key { Key(String(key.description.dropFirst(view.prefix.count))) }

    private func there(_ range: KeyRange) -> KeyRange {
        let start = Key(view.prefix + range.start.description)
        guard let end = range.end else { return KeyRange(start: start, end: KeyRange.prefix(view.prefix).end) }
        return KeyRange(start: start, end: Key(view.prefix + end.description))
    }

    private func there(_ compare: Compare) -> Compare {
        switch compare {
        case .absent(let key): .absent(there(key))
        case .present(let key): .present(there(key))
        case .modified(let key, let revision): .modified(there(key), at: there(revision))
        case .created(let key, let revision): .created(there(key), at: there(revision))
        }
    }

    private func there(_ operation: StoreOperation) -> StoreOperation {
        switch operation {
        case .put(let key, let value, let lease): .put(there(key), value, lease: lease)
        case .delete(let range): .delete(there(range))
        }
    }

    private func here(_ entry: StoredEntry) -> StoredEntry {
        StoredEntry(
            key: here(entry.key),
            value: entry.value,
            created: here(entry.created),
            modified: here(entry.modified),
            lease: entry.lease
        )
    }

    private func here(_ event: StoreEvent) -> StoreEvent {
        switch event {
        case .put(let entry): .put(here(entry))
        case .delete(let key, at: let revision): .delete(here(key), at: here(revision))
        }
    }
}
