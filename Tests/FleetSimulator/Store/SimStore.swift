import FleetModel
import FleetRegistry
import FleetRuntime

/// The registry's store: etcd's model (one revision counter, transactions with compares, leases, watches, compaction),
/// in one place and without a network, which is `StoreClient`'s.
final class SimStore {
    /// Who writes, for the checks: the store itself treats all alike.
    enum Writer {
        case user(ControlShell.Request)
        case engine(machine: Int, epoch: Epoch?)
        case agent(machine: Int)
        case session(machine: Int)
        case registry
        case outsider
        /// The end of a lease.
        case store
    }

    private struct Lease {
        let life: SimSpan
        var deadline: SimTime
        var keys: Set<Key> = []
    }

    private unowned let world: SimWorld
    /// Looks at every change, right after it.
    weak var watcher: WorldChecks?
    private(set) var entries: [Key: StoredEntry] = [:]
    /// The keys of `entries`, sorted. All keys here are ASCII, whose order as strings is that of their bytes.
    private var keys: [String] = []
    private(set) var revision = Revision(1)
    /// The oldest revision that a watch may start from; `history` begins there.
    private(set) var oldest = Revision(2)
    private var history: [WatchBatch] = []
    private var leases: [LeaseID: Lease] = [:]
    private var lastLease: Int64 = 0
    private var watches: [SimWatch] = []
    private var random: SimRandom
    /// False during an outage: nobody is answered, and no lease ends.
    private(set) var isUp = true
    /// True while all members are stopped: nobody is answered, leases go on counting, and none of them ends.
    private(set) var isHung = false
    /// Leases whose time was over meanwhile, and requests that came meanwhile.
    private var overdue: Set<LeaseID> = []
    private var waiting: [() -> Void] = []

    init(world: SimWorld) {
        self.world = world
        random = world.random(.store)
    }

    // MARK: Reading

    func entries(in range: KeyRange) -> [StoredEntry] {
        let start = place(of: range.start.description)
        let end = range.end.map { place(of: $0.description) } ?? keys.count
        guard start < end else { return [] }
        return keys[start..<end].compactMap { entries[Key($0)] }
    }

    func range(_ range: KeyRange, limit: Int) -> RangeAnswer {
        var found = entries(in: range)
        let isCut = limit > 0 && found.count > limit
        if isCut { found.removeLast(found.count - limit) }
        return RangeAnswer(entries: found, revision: revision, isCut: isCut)
    }

    private func place(of key: String) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Writing

    func commit(_ transaction: Transaction, by writer: Writer) -> CommitOutcome {
        if let defect = transaction.defect {
            world.find(.half, "a transaction that no store takes: \(defect)")
            return .refused(StoreError(.invalid, defect))
        }
        for case .put(_, _, let lease?) in transaction.operations where leases[lease] == nil {
            return .refused(StoreError(.leaseNotFound, "lease \(lease) has ended or never was"))
        }
        guard world.has(.ignoreCompares) || transaction.compares.allSatisfy(holds) else { return .conflict }
        var events: [StoreEvent] = []
        for operation in transaction.operations { apply(operation, &events) }
        guard !events.isEmpty else { return .committed(revision) }
        publish(events, by: writer)
        return .committed(revision)
    }

    private func holds(_ compare: Compare) -> Bool {
        switch compare {
        case .absent(let key): entries[key] == nil
        case .present(let key): entries[key] != nil
        case .modified(let key, at: let revision): entries[key]?.modified == revision
        case .created(let key, at: let revision): entries[key]?.created == revision
        }
    }

    private func apply(_ operation: StoreOperation, _ events: inout [StoreEvent]) {
        switch operation {
        case .put(let key, let value, let lease): events.append(.put(put(key, value, lease)))
        case .delete(let range):
            let start = place(of: range.start.description)
            let end = range.end.map { place(of: $0.description) } ?? keys.count
            guard start < end else { return }
            for text in keys[start..<end] {
                remove(Key(text))
                events.append(.delete(Key(text), at: revision.next))
            }
            keys.removeSubrange(start..<end)
        }
    }

    private func put(_ key: Key, _ value: [UInt8], _ lease: LeaseID?) -> StoredEntry {
        let old = entries[key]
        if old == nil { keys.insert(key.description, at: place(of: key.description)) }
        if let former = old?.lease, former != lease { leases[former]?.keys.remove(key) }
        if let lease { leases[lease]?.keys.insert(key) }
        let entry = StoredEntry(
            key: key,
            value: value,
            created: old?.created ?? revision.next,
            modified: revision.next,
            lease: lease
        )
        entries[key] = entry
        return entry
    }

    private func remove(_ key: Key) {
        guard let old = entries.removeValue(forKey: key) else { return }
        if let lease = old.lease { leases[lease]?.keys.remove(key) }
    }

    private func publish(_ events: [StoreEvent], by writer: Writer) {
        revision = revision.next
        history.append(WatchBatch(events: events, revision: revision))
        for case .put(let entry) in events { world.mix(entry.value) }
        world.note { "store: revision \(revision) by \(writer): " + events.map(\.brief).joined(separator: ", ") }
        watcher?.changed(events, by: writer)
        for watch in watches { watch.offer(WatchBatch(events: events, revision: revision)) }
    }

    // MARK: Leases

    func grant(_ life: LeaseLife) -> LeaseID {
        guard case .ttl(let duration) = life else { preconditionFailure("the simulated store is not one process's") }
        lastLease += 1
        let id = LeaseID(lastLease)
        let life = SimSpan(duration)
        leases[id] = Lease(life: life, deadline: world.now.advanced(by: life))
        watch(id)
        return id
    }

    func keepAlive(_ id: LeaseID) -> Bool {
        // etcd lets a lease that is over only end.
        guard let lease = leases[id], lease.deadline > world.now || !isUp else { return false }
        leases[id]?.deadline = world.now.advanced(by: lease.life)
        return true
    }

    func revoke(_ id: LeaseID) -> Bool {
        guard leases[id] != nil else { return false }
        endLease(id)
        return true
    }

    /// As etcd says it: whole seconds, rounded down.
    func time(of id: LeaseID) -> LeaseTime? {
        guard let lease = leases[id] else { return nil }
        let left = max(lease.deadline.since(world.now).microseconds, 0) / 1_000_000
        return LeaseTime(left: .seconds(left), whole: lease.life.duration)
    }

    func isAlive(_ id: LeaseID) -> Bool { leases[id] != nil }

    /// etcd looks for leases that have ended twice a second: never early, half a second late.
    private func watch(_ id: LeaseID) {
        guard let deadline = leases[id]?.deadline else { return }
        let late = random.span(.zero, .milliseconds(500))
        world.at(max(deadline, world.now).advanced(by: late)) {
            guard let lease = self.leases[id] else { return }
            if self.isHung {
                self.overdue.insert(id)
            } else if self.isUp, lease.deadline <= self.world.now {
                self.endLease(id)
            } else {
                self.watch(id, again: lease)
            }
        }
    }

    private func watch(_ id: LeaseID, again lease: Lease) {
        // During an outage the deadline has passed and nothing may end: look again a little later.
        if lease.deadline <= world.now { leases[id]?.deadline = world.now.advanced(by: .milliseconds(200)) }
        watch(id)
    }

    private func endLease(_ id: LeaseID) {
        guard let lease = leases.removeValue(forKey: id), !world.has(.keepLeasedKeys) else { return }
        var events: [StoreEvent] = []
        for key in lease.keys.map(\.description).sorted() {
            apply(.delete(.key(Key(key))), &events)
        }
        world.note { "store: lease \(id) has ended" }
        if !events.isEmpty { publish(events, by: .store) }
    }

    // MARK: Outage and compaction

    func goDown() {
        isUp = false
        for watch in watches { watch.breakOff() }
    }

    /// etcd's new leader gives every lease its whole time again.
    func comeUp() {
        isUp = true
        for id in leases.keys {
            guard let life = leases[id]?.life else { continue }
            leases[id]?.deadline = world.now.advanced(by: life)
        }
    }

    /// All members are stopped (SIGSTOP).
    func hang() { isHung = true }

    func goOn() {
        guard isHung else { return }
        isHung = false
        for id in overdue.sorted(by: { $0.number < $1.number }) { watch(id) }
        overdue = []
        let requests = waiting
        waiting = []
        for request in requests { request() }
    }

    /// Does what was asked for while the store hung, once it goes on.
    func whenItGoesOn(_ request: @escaping () -> Void) { waiting.append(request) }

    func compact(to revision: Revision) {
        guard revision > oldest, revision <= self.revision else { return }
        history.removeFirst(Int(revision.number - oldest.number))
        oldest = revision
        for watch in watches { watch.compacted() }
    }

    // MARK: Watching

    func end() { (watches, waiting) = ([], []) }

    func add(_ watch: SimWatch) { watches.append(watch) }
    func remove(_ watch: SimWatch) { watches.removeAll { $0 === watch } }

    /// All changes from `start` on; nil when they are no longer kept.
    func history(from start: Revision) -> ArraySlice<WatchBatch>? {
        guard start >= oldest else { return nil }
        return history.dropFirst(Int(start.number - oldest.number))
    }
}

extension StoreEvent {
    fileprivate var brief: String {
        switch self {
        case .put(let entry): "put \(entry.key)"
        case .delete(let key, at: _): "delete \(key)"
        }
    }
}

extension SimStore.Writer: CustomStringConvertible {
    var description: String {
        switch self {
        case .user(let request): "user \(request.number)"
        case .engine(let machine, let epoch): "engine m\(machine) epoch \(epoch.map(\.description) ?? "-")"
        case .agent(let machine): "agent m\(machine)"
        case .session(let machine): "session m\(machine)"
        case .registry: "registry"
        case .outsider: "outsider"
        case .store: "lease end"
        }
    }
}

extension SimStore {
    /// A key that is not fleet's: it moves the revision and nothing else.
    func writeForeignKey() {
        guard isUp else { return }
        let put = StoreOperation.put(Key("/others/x"), [1], lease: nil)
        _ = commit(Transaction(operations: [put]), by: .outsider)
    }
}
