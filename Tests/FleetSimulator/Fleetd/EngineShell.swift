import FleetEngine
import FleetModel
import FleetRegistry
import FleetRuntime

/// Runs the engine's core. Mirrors `FleetRuntime/Engine/EngineService.swift`.
final class EngineShell {
    private enum Signal {
        case registry
        case input(EngineInput)
    }

    private let machine: SimMachine
    private let client: StoreClient
    private let registry: RegistryShell
    private let leadership: LeadershipShell
    private(set) var core: EngineCore
    private var signals: [Signal] = []
    private var random: SimRandom
    private var alarms = 0
    /// For how long the ends of leases mean nothing.
    var silence: (() -> Duration?)?
    private let settling: Duration
    /// Called when the core has stopped.
    private var stopped: (() -> Void)?

    init(_ machine: SimMachine, _ client: StoreClient, _ registry: RegistryShell) {
        self.machine = machine
        self.client = client
        self.registry = registry
        leadership = LeadershipShell(machine, client)
        let isFirst = machine.leases.newest == nil
        settling = isFirst ? max(EngineLimits.bootRound - machine.uptime.duration, .zero) : .zero
        core = EngineCore(keyspace: registry.keyspace, machine: machine.id, isSettling: settling > .zero)
        random = machine.world.random(.processes, machine.index)
    }

    func start() {
        registry.subscriber = { [unowned self] in signal(.registry) }
        guard settling > .zero else { return }
        machine.clock.wake(machine.process, after: SimSpan(settling)) { [self] in signal(.input(.settled)) }
    }

    /// The clean end: `done` when the leadership is given back.
    func stop(then done: @escaping () -> Void) {
        stopped = done
        signal(.input(.stop))
    }

    /// The loop takes one signal after the other; the scheduler of the real one takes its time.
    private func signal(_ signal: Signal) {
        signals.append(signal)
        if signals.count == 1 { next() }
    }

    private func next() {
        machine.process.after(random.skewedSpan(.zero, SimSpan(microseconds: 500))) { [self] in
            guard let first = signals.first else { return }
            signals.removeFirst()
            switch first {
            case .registry:
                let changes = registry.take()
                if let left = silence?(), !machine.world.has(.trustLeases) { step(.registrySilent(for: left)) }
                step(.changed(changes))
            case .input(let input): step(input)
            }
            if !signals.isEmpty { next() }
        }
    }

    private func step(_ input: EngineInput) {
        machine.checks.readTried(by: machine.index)
        let directives = core.step(input, snapshot: registry.snapshot, now: machine.clock.now)
        if case .stop = input, !directives.contains(.resign) { stopped?() }
        for directive in directives { follow(directive) }
    }

    private func follow(_ directive: EngineDirective) {
        switch directive {
        case .campaign: campaign()
        case .resign:
            leadership.resign { [self] in stopped?() }
        case .commit(let id, let transaction): commit(id, transaction)
        case .catchUp(let epoch, let isUncertain):
            guard !machine.world.has(.ignoreCatchUp) else { return }
            let rewrites = isUncertain && !machine.world.has(.trustLateCommits)
            catchUp(
                epoch,
                rewriting: rewrites ? registry.snapshot.leadership?.since ?? machine.clock.now : nil,
                Backoff()
            )
        case .findSilent(let machines): findSilent(machines)
        case .timeOldLeases:
            machine.clock.wake(machine.process, after: SimSpan(EngineLimits.oldLeases)) { [self] in
                signal(.input(.oldLeasesOver))
            }
        case .wake(let at):
            alarms += 1
            let alarm = alarms
            let left = SimSpan(max(at.since(machine.clock.now), .zero))
            machine.clock.wake(machine.process, after: left) { [self] in
                if alarm == alarms, !machine.world.has(.dropWakes) { signal(.input(.wake)) }
            }
        case .note(let note):
            machine.world.note { "m\(machine.index) engine: \(note)" }
            if case .auditFailed(let findings) = note { machine.world.find(.audit, "\(findings)") }
        }
    }

    private func findSilent(_ machines: [MachineID]) {
        var silent: Set<MachineID> = []
        var (left, isOver) = (machines.count, false)
        func end() {
            guard !isOver else { return }
            isOver = true
            signal(.input(.foundSilent(silent)))
        }
        func heard(_ machine: MachineID, isSilent: Bool) {
            if isSilent { silent.insert(machine) }
            left -= 1
            if left == 0 { end() }
        }
        machine.clock.wake(machine.process, after: SimSpan(EngineService.soundingTime), end)
        for other in machines {
            let key = RegistryKey.presence(other).key(in: registry.keyspace)
            client.range(.key(key), limit: 1) { [self] answer in
                guard case .success(let answer) = answer else { return heard(other, isSilent: false) }
                guard let lease = answer.entries.first?.lease else { return heard(other, isSilent: true) }
                client.time(of: lease) { answer in
                    switch answer {
                    case .success(let time): heard(other, isSilent: time.isOverdue)
                    case .failure(let error): heard(other, isSilent: error.code == .leaseNotFound)
                    }
                }
            }
        }
    }

    private func commit(_ id: TransactionID, _ transaction: Transaction) {
        client.commit(planted(transaction), by: .engine(machine: machine.index, epoch: core.epoch)) { [self] outcome in
            signal(.input(.finished(id, CommitResult(outcome))))
        }
    }

    private func planted(_ transaction: Transaction) -> Transaction {
        var transaction = transaction
        if machine.world.has(.dropEpochCompare) {
            let leader = RegistryKey.leader.key(in: registry.keyspace)
            transaction.compares.removeAll { if case .modified(leader, _) = $0 { true } else { false } }
        }
        if machine.world.has(.forgetFailures) {
            transaction.operations.removeAll {
                if case .put(let key, _, _) = $0 { key.description.contains("/failures/") } else { false }
            }
        }
        return transaction
    }

    private func campaign() {
        leadership.campaign { [self] result in
            signal(.input(.campaigned(result)))
            guard case .won(let epoch) = result else { return }
            leadership.hold { [self] in signal(.input(.leadershipLost(epoch))) }
        }
    }

    private func catchUp(_ epoch: Epoch, rewriting since: Timestamp?, _ backoff: Backoff) {
        guard let since else { return readLeader(epoch, backoff) }
        leadership.rewrite(epoch: epoch, since: since) { [self] isFenced in
            if isFenced { return readLeader(epoch, backoff) }
            var backoff = backoff
            machine.clock.wake(machine.process, after: SimSpan(backoff.delay())) { [self] in
                catchUp(epoch, rewriting: since, backoff)
            }
        }
    }

    private func readLeader(_ epoch: Epoch, _ backoff: Backoff) {
        let key = RegistryKey.leader.key(in: registry.keyspace)
        client.range(.key(key), limit: 1) { [self] answer in
            switch answer {
            case .success(let answer):
                registry.seek(answer.revision)
                let fence = answer.entries.first.flatMap { $0.created == epoch ? $0.modified : nil }
                signal(.input(.caughtUp(answer.revision, epoch: epoch, fence: fence)))
            case .failure:
                var backoff = backoff
                machine.clock.wake(machine.process, after: SimSpan(backoff.delay())) { [self] in
                    readLeader(epoch, backoff)
                }
            }
        }
    }
}
