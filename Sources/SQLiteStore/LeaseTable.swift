import FleetModel
import FleetRegistry
import FleetRuntime
import Synchronization

/// The leases of this process. They are in memory only: a lease that an earlier process left has ended by definition,
/// so nothing is written when one is granted or kept alive.
///
/// One task sleeps until the next deadline, and there is none when no lease has a deadline.
final class LeaseTable: Sendable {
    enum Lease: Sendable {
        case whileOpen
        case ttl(Duration, deadline: Duration)

        var deadline: Duration? {
            guard case .ttl(_, let deadline) = self else { return nil }
            return deadline
        }
    }

    private struct State {
        var leases: [LeaseID: Lease] = [:]
        /// Leases past their deadline whose keys are still to be deleted, with the time of the next attempt; nil while
        /// one is under way.
        var ending: [LeaseID: Duration?] = [:]
        var lastNumber: Int64
        var alarm: (time: Duration, number: Int, task: Task<Void, Never>)?
        var alarms = 0
        var isClosed = false
        /// Deletes the keys of an ended lease; true when that is done.
        var delete: (@Sendable (LeaseID) async -> Bool)?

        var nextTime: Duration? {
            (leases.values.compactMap(\.deadline) + ending.values.compactMap { $0 }).min()
        }
    }

    private let state: Mutex<State>
    private let clock: LeaseClock
    private let retry: Duration

    /// Numbers start at random, so that one of an earlier process is not taken for one of ours.
    init(clock: LeaseClock, retry: Duration) {
        self.clock = clock
        self.retry = retry
        state = Mutex(State(lastNumber: Int64.random(in: 1...(1 << 40)) << 20))
    }

    /// What ends a lease in the registry. Set before the first lease is granted.
    func whenEnded(_ delete: @escaping @Sendable (LeaseID) async -> Bool) {
        state.withLock { $0.delete = delete }
    }

    func grant(_ life: LeaseLife) throws(StoreError) -> LeaseID {
        if case .ttl(let length) = life, length <= .zero {
            throw StoreError(.invalid, "A lease of \(length) would end before it begins.")
        }
        let now = clock.now()
        let id: LeaseID? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.lastNumber += 1
            let id = LeaseID(state.lastNumber)
            switch life {
            case .whileOpen: state.leases[id] = .whileOpen
            case .ttl(let length): state.leases[id] = .ttl(length, deadline: now + length)
            }
            setAlarm(&state)
            return id
        }
        guard let id else { throw .closed }
        return id
    }

    func keepAlive(_ id: LeaseID) throws(StoreError) {
        let now = clock.now()
        let isAlive = state.withLock { state in
            guard let lease = state.leases[id], lease.isAlive(at: now) else { return false }
            if case .ttl(let length, deadline: _) = lease { state.leases[id] = .ttl(length, deadline: now + length) }
            return true
        }
        guard isAlive else { throw .leaseNotFound(id) }
    }

    func time(of id: LeaseID) throws(StoreError) -> LeaseTime? {
        let now = clock.now()
        guard let lease = state.withLock({ $0.leases[id] }), lease.isAlive(at: now) else { throw .leaseNotFound(id) }
        guard case .ttl(let length, deadline: let deadline) = lease else { return nil }
        return LeaseTime(left: deadline - now, whole: length)
    }

    func isAlive(_ id: LeaseID) -> Bool {
        let now = clock.now()
        return state.withLock { $0.leases[id]?.isAlive(at: now) ?? false }
    }

    /// Takes a lease out, so that nothing can be put with it any more.
    func take(_ id: LeaseID) throws(StoreError) -> Lease {
        let now = clock.now()
        let lease: Lease? = state.withLock { state in
            guard let lease = state.leases[id], lease.isAlive(at: now) else { return nil }
            state.leases[id] = nil
            setAlarm(&state)
            return lease
        }
        guard let lease else { throw .leaseNotFound(id) }
        return lease
    }

    /// Puts a lease back that could not be revoked.
    func putBack(_ id: LeaseID, _ lease: Lease) {
        state.withLock { state in
            state.leases[id] = lease
            setAlarm(&state)
        }
    }

    func close() {
        let alarm = state.withLock { state in
            state.isClosed = true
            state.leases = [:]
            state.ending = [:]
            defer { state.alarm = nil }
            return state.alarm
        }
        alarm?.task.cancel()
    }

    /// Makes sure that someone wakes at the next deadline. An alarm that turns out to be early, because its lease was
    /// kept alive, sets the next one.
    private func setAlarm(_ state: inout State) {
        guard !state.isClosed, let time = state.nextTime else {
            state.alarm?.task.cancel()
            state.alarm = nil
            return
        }
        if let alarm = state.alarm, alarm.time <= time { return }
        state.alarm?.task.cancel()
        state.alarms += 1
        let number = state.alarms
        let task = Task { [clock, weak self] in
            do { try await clock.sleep(time) } catch { return }
            await self?.ring(number)
        }
        state.alarm = (time, number, task)
    }

    private func ring(_ number: Int) async {
        let now = clock.now()
        let (due, delete) = state.withLock { state in
            if state.alarm?.number == number { state.alarm = nil }
            let expired = state.leases.compactMap { id, lease in lease.isAlive(at: now) ? nil : (id, lease.deadline) }
                .sorted { ($0.1 ?? .zero, $0.0.number) < ($1.1 ?? .zero, $1.0.number) }
                .map(\.0)
            for id in expired { state.leases[id] = nil }
            let again = state.ending.filter { _, time in time.map { $0 <= now } ?? false }.keys
                .sorted { $0.number < $1.number }
            for id in expired + again { state.ending[id] = .some(nil) }
            return (again + expired, state.delete)
        }
        for id in due {
            let isDone = await delete?(id) ?? false
            let next = clock.now() + retry
            state.withLock { $0.ending[id] = isDone ? nil : .some(next) }
        }
        state.withLock { setAlarm(&$0) }
    }
}

extension LeaseTable.Lease {
    fileprivate func isAlive(at now: Duration) -> Bool { deadline.map { now < $0 } ?? true }
}
