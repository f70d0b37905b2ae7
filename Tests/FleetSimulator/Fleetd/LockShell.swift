import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import UnitFile

/// Runs the locks' core. Mirrors `FleetRuntime/Agent/LockService.swift`.
final class LockShell {
    private let machine: SimMachine
    private let client: StoreClient
    private let keyspace: Keyspace
    private var core: LockCore
    private var handle = SimFence.Handle()
    private var watching = 0
    private var isTaking = false
    private var queue: [LockInput] = []
    var tell: ((AgentInput) -> Void)?

    init(_ machine: SimMachine, _ client: StoreClient) {
        self.machine = machine
        self.client = client
        keyspace = machine.world.keyspace
        core = LockCore(machine: machine.id, timing: FenceTiming(lease: SimOptions.agentTTL.duration))
    }

    func start() {
        let inherited = machine.fence.open(&handle)
        tell?(.locksInherited(inherited))
        take(.inherited(inherited))
    }

    func acquire(_ unit: UnitName) { take(.acquire(unit)) }
    func release(_ unit: UnitName) { take(.release(unit)) }
    func renewed(_ lease: LeaseID, sent: Duration) { take(.lease(lease, sent: sent)) }

    private func take(_ input: LockInput) {
        queue.append(input)
        guard !isTaking else { return }
        isTaking = true
        while !queue.isEmpty {
            let next = queue.removeFirst()
            machine.world.note { "m\(machine.index) locks <- \(next)" }
            for directive in core.step(next, now: machine.clock.elapsed) { follow(directive) }
        }
        isTaking = false
    }

    private func follow(_ directive: LockDirective) {
        machine.world.note { "m\(machine.index) locks -> \(directive)" }
        switch directive {
        case .put(let unit, let lease, let revision): put(unit, lease, revision)
        case .delete(let unit, let revision):
            let key = key(unit)
            let compare = Compare.modified(key, at: revision)
            commit(Transaction(compares: [compare], operations: [.delete(.key(key))]), unit)
        case .look(let unit): look(unit)
        case .watch(let isWanted):
            watching += 1
            if isWanted { watch(watching) }
        case .arm(let deadline): arm(deadline)
        case .disarm: machine.fence.disarm()
        case .allow(let unit): later { [self] in take(.allowed(unit, machine.fence.allow(unit, &handle))) }
        case .forbid(let unit): machine.fence.forbid(unit, handle)
        case .hold(let unit): tell?(.locked(unit))
        case .lose(let unit, let holder): tell?(.lockLost(unit, to: holder))
        case .wake(let at):
            let left = SimSpan(max(at - machine.clock.elapsed, .zero))
            machine.clock.wake(machine.process, after: left) { [self] in take(.wake) }
        }
    }

    private func later(_ action: @escaping () -> Void) {
        machine.process.after(SimSpan(microseconds: 200), action)
    }

    /// Between the core's wish and systemd's timer fleetd may be frozen, and systemd is asked late.
    private func arm(_ deadline: Duration) {
        machine.process.after(.milliseconds(2)) { [self] in
            let answer = machine.world.has(.armFromNow) ? armLate() : machine.fence.arm(deadline: deadline, &handle)
            later { [self] in take(.armed(answer, deadline: deadline)) }
        }
    }

    /// Planted: the fence's time begins when systemd is asked.
    private func armLate() -> FenceAnswer {
        let fence = FenceTiming(lease: SimOptions.agentTTL.duration).fence
        return machine.fence.arm(deadline: machine.clock.elapsed + fence, &handle)
    }

    private func key(_ unit: UnitName) -> Key { RegistryKey.lock(unit).key(in: keyspace) }

    private func put(_ unit: UnitName, _ lease: LeaseID, _ revision: Revision?) {
        let key = key(unit)
        let value = RegistryValue.encode(UnitLock(machine: machine.id, at: machine.clock.now))
        let compare: Compare = revision.map { .modified(key, at: $0) } ?? .absent(key)
        let compares = machine.world.has(.takeLocksByForce) ? [] : [compare]
        commit(Transaction(compares: compares, operations: [.put(key, value, lease: lease)]), unit)
    }

    private func commit(_ transaction: Transaction, _ unit: UnitName) {
        client.commit(transaction, by: .agent(machine: machine.index)) { [self] outcome in
            switch outcome {
            case .committed(let revision): take(.finished(unit, .committed(revision)))
            case .conflict: take(.finished(unit, .conflict))
            case .refused, .unknown: take(.finished(unit, .failed))
            }
        }
    }

    private func look(_ unit: UnitName) {
        client.range(.key(key(unit)), limit: 1) { [self] answer in
            guard case .success(let answer) = answer else { return take(.notFound(unit)) }
            take(.found(unit, answer.entries.first.map(stored)))
        }
    }

    private func stored(_ entry: StoredEntry) -> StoredLock {
        do throws(RegistryValueError) {
            let lock = try RegistryValue.decode(UnitLock.self, from: entry.value)
            return StoredLock(machine: lock.machine, lease: entry.lease, modified: entry.modified)
        } catch {
            preconditionFailure("\(entry.key) \(error)")
        }
    }

    private func watch(_ number: Int) {
        func again() {
            machine.clock.wake(machine.process, after: .milliseconds(500)) { [self] in
                if number == watching { watch(number) }
            }
        }
        client.range(keyspace.locks) { [self] answer in
            guard number == watching else { return }
            guard case .success(let answer) = answer else { return again() }
            let taken = Set(answer.entries.map(\.key))
            for unit in core.waiting where !taken.contains(key(unit)) { take(.freed(unit)) }
            _ = client.watch(keyspace.locks, from: answer.revision.next) { [self] batch in
                guard number == watching else { return }
                for case .delete(let key, _) in batch.events {
                    if case .lock(let unit)? = RegistryKey(key, in: keyspace) { take(.freed(unit)) }
                }
            } end: { [self] _ in
                if number == watching { again() }
            }
        }
    }
}
