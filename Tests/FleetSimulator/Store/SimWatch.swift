import FleetModel
import FleetRegistry
import FleetRuntime

/// One watch of one client: batches arrive in order, late by the network, bundled now and then; it ends when its
/// connection breaks, when nothing was heard for too long, and when its history is gone.
final class SimWatch {
    private enum State {
        /// The store was not reached yet.
        case asking
        case following
        /// The cable is pulled: what is on its way waits.
        case stalled
        case ended
    }

    private unowned let world: SimWorld
    private let store: SimStore
    private let link: SimLink
    private let process: SimProcess
    private let ticket: SimProcess.Ticket
    private let range: KeyRange
    private let deliver: (WatchBatch) -> Void
    private let end: (StoreError) -> Void
    private var state = State.asking
    /// The next revision that was not handed to the network yet.
    private var next: Revision
    private var waiting: [WatchBatch] = []
    /// When the newest batch arrives: none overtakes another.
    private var arrival = SimTime.start
    private var stalls = 0

    init(
        world: SimWorld,
        store: SimStore,
        link: SimLink,
        process: SimProcess,
        range: KeyRange,
        from start: Revision,
        deliver: @escaping (WatchBatch) -> Void,
        end: @escaping (StoreError) -> Void
    ) {
        self.world = world
        self.store = store
        self.link = link
        self.process = process
        ticket = process.ticket
        self.range = range
        next = start
        self.deliver = deliver
        self.end = end
    }

    /// Asks the store for the watch.
    func begin() {
        link.add(self)
        if link.isCut || !store.isUp || link.loses() { return stall() }
        world.after(link.delay()) {
            guard self.state == .asking else { return }
            guard self.store.isUp, !self.link.isCut else { return self.stall() }
            self.follow()
        }
    }

    private func follow() {
        guard let history = store.history(from: next) else { return finish(.compacted, after: link.delay()) }
        state = .following
        store.add(self)
        for batch in history { offer(batch) }
    }

    /// The store has a new revision, or one that this watch has missed.
    func offer(_ batch: WatchBatch) {
        guard state == .following || state == .stalled, batch.revision >= next else { return }
        next = batch.revision.next
        var events = batch.events.filter { matches($0.key) }
        if world.has(.loseWatchEvent), link.chance(30), !events.isEmpty { events.removeLast() }
        guard !events.isEmpty else { return }
        waiting.append(WatchBatch(events: events, revision: batch.revision))
        if state == .following { send() }
    }

    private func matches(_ key: Key) -> Bool {
        key.description >= range.start.description && (range.end.map { key.description < $0.description } ?? true)
    }

    /// Everything that waits goes together, as one batch more often than not.
    private func send() {
        guard !waiting.isEmpty else { return }
        arrival = max(arrival, world.now.advanced(by: link.delay() + link.lag))
        world.at(arrival) {
            guard self.state == .following, let last = self.waiting.last else { return }
            let batch = WatchBatch(events: self.waiting.flatMap(\.events), revision: last.revision)
            self.waiting = []
            self.process.perform(self.ticket) { self.hand(over: batch) }
        }
    }

    private func hand(over batch: WatchBatch) {
        guard state != .ended else { return }
        deliver(batch)
    }

    // MARK: Trouble

    /// Nothing comes through. The client notices after a while.
    func stall() {
        guard state != .ended else { return }
        if state == .following { state = .stalled }
        stalls += 1
        let stall = stalls
        world.after(link.span(.seconds(2), .seconds(8))) {
            guard stall == self.stalls, self.state != .following else { return }
            self.finish(.unavailable, after: .zero)
        }
    }

    /// The cable is in again before anybody has noticed.
    func goOn() {
        guard state == .stalled else { return }
        stalls += 1
        state = .following
        send()
    }

    func breakOff() {
        finish(.unavailable, after: link.delay())
    }

    /// History was forgotten. Whoever is so late that he still needs it has to begin anew.
    func compacted() {
        guard state == .stalled, let first = waiting.first, first.revision < store.oldest else { return }
        finish(.compacted, after: link.delay())
    }

    /// The client wants no more.
    func cancel() {
        state = .ended
        store.remove(self)
        link.remove(self)
    }

    private func finish(_ code: StoreError.Code, after span: SimSpan) {
        guard state != .ended else { return }
        cancel()
        let (process, ticket, end) = (process, ticket, end)
        world.after(span) {
            process.perform(ticket) { end(StoreError(code, "the watch has ended: \(code)")) }
        }
    }
}
