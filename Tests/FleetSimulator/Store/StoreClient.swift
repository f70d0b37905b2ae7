import FleetModel
import FleetRegistry
import FleetRuntime

/// One process's way to the store, over its machine's link: `KeyValueStore` with a continuation instead of `await`.
/// Every answer comes once, or never when the process has died.
final class StoreClient {
    private unowned let world: SimWorld
    private let store: SimStore
    private let link: SimLink
    private let process: SimProcess
    private let machine: Int
    private unowned let checks: WorldChecks

    /// After this long a call is given up (etcd's own limit for a request is of the same order).
    static let deadline = SimSpan.seconds(5)
    /// How late a request may be carried out of which the client has heard no more.
    private static let latest = SimSpan.seconds(8)

    init(world: SimWorld, store: SimStore, link: SimLink, process: SimProcess, machine: Int, checks: WorldChecks) {
        self.world = world
        self.store = store
        self.link = link
        self.process = process
        self.machine = machine
        self.checks = checks
    }

    typealias Reply<Value> = (Result<Value, StoreError>) -> Void

    func range(_ range: KeyRange, limit: Int = 0, then reply: @escaping Reply<RangeAnswer>) {
        let store = store
        call({ .success(self.answer(store.range(range, limit: limit), range)) }, .failure(Self.lost), reply)
    }

    /// Planted: an old list under a new revision.
    private func answer(_ answer: RangeAnswer, _ range: KeyRange) -> RangeAnswer {
        guard world.has(.staleList), answer.entries.count > 1, link.chance(400) else { return answer }
        var old = answer
        old.entries.removeAll { $0.modified.number + 12 > answer.revision.number }
        return old
    }

    func commit(
        _ transaction: Transaction,
        by writer: SimStore.Writer,
        then reply: @escaping (CommitOutcome) -> Void
    ) {
        let store = store
        checks.commitTried(by: machine)
        let lost: CommitOutcome =
            world.has(.unknownAsCommitted) ? .committed(store.revision) : .unknown(Self.lost)
        call({ store.commit(transaction, by: writer) }, lost, notSent: .refused(Self.lost), mayBeLate: true, reply)
    }

    func grant(_ life: LeaseLife, then reply: @escaping Reply<LeaseID>) {
        let store = store
        call({ .success(store.grant(life)) }, .failure(Self.lost), reply)
    }

    func keepAlive(_ lease: LeaseID, then reply: @escaping Reply<Void>) {
        let store = store
        call({ store.keepAlive(lease) ? .success(()) : .failure(Self.ended) }, .failure(Self.lost), reply)
    }

    func time(of lease: LeaseID, then reply: @escaping Reply<LeaseTime>) {
        let store = store
        call({ store.time(of: lease).map { .success($0) } ?? .failure(Self.ended) }, .failure(Self.lost), reply)
    }

    func revoke(_ lease: LeaseID, then reply: @escaping Reply<Void>) {
        let store = store
        call({ store.revoke(lease) ? .success(()) : .failure(Self.ended) }, .failure(Self.lost), reply)
    }

    func watch(
        _ range: KeyRange,
        from start: Revision,
        deliver: @escaping (WatchBatch) -> Void,
        end: @escaping (StoreError) -> Void
    ) -> SimWatch {
        let watch = SimWatch(
            world: world,
            store: store,
            link: link,
            process: process,
            range: range,
            from: start,
            deliver: deliver,
            end: end
        )
        watch.begin()
        return watch
    }

    private static let lost = StoreError(.unavailable, "the registry does not answer")
    private static let ended = StoreError(.leaseNotFound, "the lease has ended or never was")

    /// Sends a request and waits for its answer. What gets lost on the way there, on the way back, or for want of a
    /// registry ends as `lost` at the deadline; a connection that cannot be made at all as `notSent`, at once.
    private func call<Answer>(
        _ execute: @escaping () -> Answer,
        _ lost: Answer,
        notSent: Answer? = nil,
        mayBeLate: Bool = false,
        _ reply: @escaping (Answer) -> Void
    ) {
        let (process, ticket, sent) = (process, process.ticket, world.now)
        var isOver = false
        func answer(_ answer: Answer) {
            guard !isOver else { return }
            isOver = true
            process.perform(ticket) { reply(answer) }
        }
        func giveUp() { world.at(sent.advanced(by: Self.deadline)) { answer(lost) } }
        if link.isCut || !store.isUp {
            guard link.chance(500) else { return giveUp() }
            return world.after(link.delay()) { answer(notSent ?? lost) }
        }
        if link.loses() {
            if mayBeLate, world.options.lateCommits {
                world.after(link.span(.zero, Self.latest)) { if self.store.isUp { _ = execute() } }
            }
            return giveUp()
        }
        func arrive() {
            guard store.isUp, !link.isCut else { return giveUp() }
            guard !store.isHung else {
                giveUp()
                return store.whenItGoesOn { if !isOver { arrive() } }
            }
            let result = execute()
            guard !link.loses() else { return giveUp() }
            world.after(link.delay()) {
                guard !self.link.isCut else { return giveUp() }
                answer(result)
            }
        }
        world.after(link.delay(), arrive)
    }
}
