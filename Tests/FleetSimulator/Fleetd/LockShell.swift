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
        take(.inherited(inherited, leases: machine.leases))
    }

    func acquire(_ unit: UnitName) { take(.acquire(unit)) }
    func release(_ unit: UnitName) { take(.release(unit)) }
    func noticed(_ units: [UnitName]) {
        for unit in units { take(.noticed(unit)) }
    }
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
        case .put(let unit, let lease, let lock, let holder):
            let now = machine.clock.now
            var transaction = Transaction.lock(unit, keyspace, machine.id, now, lease, core.timing, lock, holder)
            if machine.world.has(.takeLocksByForce) { transaction.compares = [] }
            commit(transaction, unit)
        case .delete(let unit, let lock, let holder):
            commit(Transaction.unlock(unit, keyspace, lock, holder), unit)
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
            let answer = machine.world.has(.skipFence) ? .done : machine.fence.arm(deadline: deadline, &handle)
            later { [self] in take(.armed(answer, deadline: deadline)) }
        }
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
        client.range(keyspace.lock(of: unit)) { [self] answer in
            guard case .success(let answer) = answer else { return take(.notFound(unit)) }
            var input = LockInput.found(unit, answer.entries, keyspace)
            if machine.world.has(.forgetLockDelay), case .found(_, nil, var holder?) = input {
                (holder.machine, holder.lease) = (machine.id, machine.leases.ids.last)
                input = .found(unit, lock: nil, holder: holder)
            }
            take(input)
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
            for unit in core.free(amid: taken, keyspace) { take(.freed(unit)) }
            _ = client.watch(keyspace.locks, from: answer.revision.next) { [self] batch in
                guard number == watching else { return }
                for case .delete(let key, _) in batch.events {
                    if let unit = LockInput.unit(of: key, keyspace) { take(.freed(unit)) }
                }
            } end: { [self] _ in
                if number == watching { again() }
            }
        }
    }
}
