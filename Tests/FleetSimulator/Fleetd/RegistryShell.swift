import FleetModel
import FleetRegistry
import FleetRuntime

/// Keeps a snapshot warm. Mirrors `FleetRuntime/Registry/RegistryService.swift`.
final class RegistryShell {
    enum Condition: Equatable { case unread, current, stale }

    let keyspace: Keyspace
    private(set) var condition = Condition.unread
    private let machine: SimMachine
    private let client: StoreClient
    private var feed: SnapshotFeed
    private var isListed = false
    private var backoff = Backoff()
    private var sought = Revision.zero
    private var isSeeking = false
    /// Of the one subscriber there is, the engine.
    private var pending = Changes()
    var subscriber: (() -> Void)?
    private let own: OwnKeys
    var noticed: ((OwnKeys.News) -> Void)?
    private var waiting: [(revision: Revision, action: () -> Void)] = []

    init(_ machine: SimMachine, _ client: StoreClient) {
        self.machine = machine
        self.client = client
        keyspace = machine.world.keyspace
        own = OwnKeys(of: machine.id, in: keyspace)
        feed = SnapshotFeed(keyspace: keyspace)
    }

    var snapshot: Snapshot { feed.snapshot }

    func take() -> Changes {
        defer { pending = Changes() }
        return pending
    }

    func folded(upTo revision: Revision, then action: @escaping () -> Void) {
        guard feed.snapshot.revision < revision else { return action() }
        seek(revision)
        waiting.append((revision, action))
    }

    func seek(_ revision: Revision) {
        guard feed.snapshot.revision < revision else { return }
        sought = max(sought, revision)
        guard !isSeeking else { return }
        isSeeking = true
        listUnlessFolded()
    }

    private func listUnlessFolded() {
        machine.clock.wake(machine.process, after: SimSpan(RegistryService.patience)) { [self] in
            guard feed.snapshot.revision < sought else {
                isSeeking = false
                return
            }
            client.range(keyspace.all) { [self] answer in
                if case .success(let answer) = answer, answer.revision > feed.snapshot.revision {
                    folded(machine.feeds.list(answer, into: &feed))
                    noticed?(own.news(listed: answer.entries, at: answer.revision))
                }
                listUnlessFolded()
            }
        }
    }

    func start() { follow() }

    private func follow() {
        guard isListed else { return list() }
        confirm()
    }

    private func confirm() {
        client.range(.key(RegistryKey.format.key(in: keyspace)), limit: 1) { [self] answer in
            guard case .success = answer else { return failed() }
            folded(Changes())
            watch()
        }
    }

    private func list() {
        client.range(keyspace.all) { [self] answer in
            switch answer {
            case .success(let answer):
                let changes = machine.feeds.list(answer, into: &feed)
                isListed = true
                noticed?(own.news(listed: answer.entries, at: answer.revision))
                guard feed.format == nil else {
                    folded(changes)
                    return watch()
                }
                declareFormat(changes)
            case .failure: failed()
            }
        }
    }

    private func declareFormat(_ changes: Changes) {
        let key = RegistryKey.format.key(in: keyspace)
        let format = RegistryFormat(minimumReader: RegistryValue.version, writer: "sim")
        let put = StoreOperation.put(key, RegistryValue.encode(format), lease: nil)
        client.commit(Transaction(compares: [.absent(key)], operations: [put]), by: .registry) { [self] outcome in
            switch outcome {
            case .committed, .conflict:
                folded(changes)
                watch()
            case .refused, .unknown: failed()
            }
        }
    }

    private func watch() {
        backoff.reset()
        _ = client.watch(keyspace.all, from: feed.snapshot.revision.next) { [self] batch in
            folded(machine.feeds.apply(batch, to: &feed))
            if let news = own.news(of: batch.events, upTo: batch.revision) { noticed?(news) }
        } end: { [self] error in
            if error.code == .compacted {
                isListed = false
                return follow()
            }
            failed()
        }
    }

    private func failed() {
        if condition == .current { condition = .stale }
        let clock = machine.clock
        clock.wake(machine.process, after: SimSpan(backoff.delay())) { [self] in follow() }
    }

    private func folded(_ changes: Changes) {
        condition = .current
        pending.merge(changes)
        subscriber?()
        let revision = feed.snapshot.revision
        let ready = waiting.filter { $0.revision <= revision }
        waiting.removeAll { $0.revision <= revision }
        for waiter in ready { waiter.action() }
    }
}
