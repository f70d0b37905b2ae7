import FleetAgent
package import FleetModel
package import FleetRegistry
package import Logging
import ServiceLifecycle
package import UnitFile

/// What the agent is told of its locks.
package enum LockNews: Hashable, Sendable {
    case inherited(Set<UnitName>)
    case locked(UnitName)
    case lost(UnitName, to: MachineID?)
}

/// Runs the locks' core: brings `LockCore` its inputs and does what its directives say. Decides nothing.
package actor LockService: Service {
    /// In order; the agent follows it. One consumer.
    package nonisolated let news: AsyncStream<LockNews>
    private let tell: AsyncStream<LockNews>.Continuation
    private let store: any KeyValueStore
    private let keyspace: Keyspace
    private let machine: MachineID
    private let fence: any Fence
    private let leases: any LeaseMemory
    private let clock: any WallClock
    private let log: Logger
    private var core: LockCore
    private let inputs: AsyncStream<LockInput>
    private let add: AsyncStream<LockInput>.Continuation
    private let margin: Duration
    private var watching: Task<Void, Never>?
    /// Waits for the deadline that the fence was armed for last.
    private var late: Task<Void, Never>?
    private var waitingForNothing: [CheckedContinuation<Void, Never>] = []

    /// `life` is that of the machine's lease: one that ends with this process needs no fence.
    package init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        machine: MachineID,
        life: LeaseLife,
        fence: any Fence,
        leases: any LeaseMemory,
        clock: any WallClock,
        log: Logger
    ) {
        self.store = store
        self.keyspace = keyspace
        self.machine = machine
        self.fence = fence
        self.leases = leases
        self.clock = clock
        self.log = log
        switch life {
        case .whileOpen:
            core = LockCore(machine: machine, timing: nil)
            margin = .zero
        case .ttl(let ttl):
            let timing = FenceTiming(lease: ttl)
            core = LockCore(machine: machine, timing: timing)
            margin = timing.margin
        }
        (news, tell) = AsyncStream.makeStream()
        // Unbounded: every element but a renewal answers a directive or is one of the agent's, and of these the core
        // has few per unit.
        (inputs, add) = AsyncStream.makeStream()
    }

    /// The agent wants the unit to run here.
    package nonisolated func acquire(_ unit: UnitName) { add.yield(.acquire(unit)) }

    /// Nothing of the unit is left here.
    package nonisolated func release(_ unit: UnitName) { add.yield(.release(unit)) }

    /// The machine's lease was granted or renewed.
    package nonisolated func renewed(_ lease: LeaseID, sent: Duration) { add.yield(.lease(lease, sent: sent)) }

    /// The registry has locks that name this machine.
    package nonisolated func noticed(_ units: [UnitName]) {
        for unit in units { add.yield(.noticed(unit)) }
    }

    /// The machine goes down and nothing of its units runs: nobody has to wait for it. Returns when every lock is given
    /// back, or when the registry has been slow for so long that the others may as well wait for the lease.
    package func giveBackAll() async {
        guard !core.known.isEmpty else { return }
        for unit in core.known { add.yield(.release(unit)) }
        let limit = Task { [clock] in
            do { try await clock.sleep(for: Self.farewell) } catch { return }
            endFarewell()
        }
        await withCheckedContinuation { waitingForNothing.append($0) }
        limit.cancel()
    }

    private func endFarewell() {
        for waiter in waitingForNothing { waiter.resume() }
        waitingForNothing = []
    }

    private static let farewell = Duration.seconds(2)

    package func run() async throws {
        let inherited = await fence.inherited()
        tell.yield(.inherited(inherited))
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                await self.take(.inherited(inherited, leases: self.leases.leases()), &group)
                for await input in self.inputs { await self.take(input, &group) }
                group.cancelAll()
            }
        }
        watching?.cancel()
        late?.cancel()
        endFarewell()
        tell.finish()
    }

    /// Directives about one unit come one at a time, so their order needs no care; those of the fence are carried out
    /// in order, before the next input is taken.
    private func take(_ input: LockInput, _ group: inout DiscardingTaskGroup) async {
        for directive in core.step(input, now: clock.elapsed()) {
            switch directive {
            case .put(let unit, let lease, let lock, let holder):
                let transaction = Transaction.lock(
                    unit,
                    keyspace,
                    machine,
                    clock.now(),
                    lease,
                    core.timing,
                    lock,
                    holder
                )
                group.addTask { await self.commit(transaction, unit) }
            case .delete(let unit, let lock, let holder):
                let transaction = Transaction.unlock(unit, keyspace, lock, holder)
                group.addTask { await self.commit(transaction, unit) }
            case .look(let unit):
                group.addTask { await self.look(unit) }
            case .watch(let isWanted):
                watching?.cancel()
                watching = isWanted ? Task { await self.watch() } : nil
            case .arm(let deadline):
                let answer = await fence.arm(deadline: deadline)
                note(answer)
                if answer == .done { killWhenLate(for: deadline) }
                add.yield(.armed(answer, deadline: deadline))
            case .disarm:
                late?.cancel()
                await fence.disarm()
            case .allow(let unit): add.yield(.allowed(unit, await fence.allow(unit)))
            case .forbid(let unit): await fence.forbid(unit)
            case .hold(let unit): tell.yield(.locked(unit))
            case .lose(let unit, let holder): tell.yield(.lost(unit, to: holder))
            case .wake(let at):
                let pause = max(at - clock.elapsed(), .zero)
                group.addTask { [clock, add] in
                    do { try await clock.sleep(for: pause) } catch { return }
                    add.yield(.wake)
                }
            }
        }
        if core.known.isEmpty { endFarewell() }
    }

    /// A machine that was frozen as a whole goes on with its units long after the fence should have come down. systemd
    /// then acts on the timer by starting services; fleetd, which woke up with it, need start nothing, and is quicker
    /// by tenths of a second (`FenceTiming`). One that is awake at the deadline leaves all to systemd.
    private func killWhenLate(for deadline: Duration) {
        late?.cancel()
        late = Task { [clock] in
            do { try await clock.sleep(for: max(deadline - clock.elapsed(), .zero)) } catch { return }
            if clock.elapsed() - deadline >= margin { await killAll() }
        }
    }

    private func killAll() async {
        let units = core.allowed
        guard !units.isEmpty else { return }
        await fence.kill(units)
        let names = units.map(\.description).joined(separator: ", ")
        log.error("This machine or fleetd was frozen for longer than its locks are certain: killed \(names)")
    }

    private func note(_ answer: FenceAnswer) {
        switch answer {
        case .done: return
        case .fired: log.error("The fence came down: systemd has stopped this machine's AtMostOnce= units")
        case .failed: log.error("The fence could not be armed anew; it comes down unless the next renewal does it")
        }
    }

    private func commit(_ transaction: Transaction, _ unit: UnitName) async {
        add.yield(.finished(unit, result(await store.commit(transaction), unit)))
    }

    private func result(_ outcome: CommitOutcome, _ unit: UnitName) -> LockCommit {
        switch outcome {
        case .committed(let revision): return .committed(revision)
        case .conflict: return .conflict
        case .refused(let error), .unknown(let error):
            log.notice("The lock of \(unit) could not be written: \(error)", metadata: ["unit": "\(unit)"])
            return .failed
        }
    }

    private func look(_ unit: UnitName) async {
        do throws(StoreError) {
            let answer = try await store.range(keyspace.lock(of: unit), limit: 0)
            add.yield(LockInput.found(unit, answer.entries, keyspace))
        } catch {
            add.yield(.notFound(unit))
        }
    }

    /// Tells of locks that are given up, for as long as some are waited for.
    private func watch() async {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                let answer = try await store.range(keyspace.locks, limit: 0)
                let taken = Set(answer.entries.map(\.key))
                for unit in core.free(amid: taken, keyspace) { add.yield(.freed(unit)) }
                backoff.reset()
                for try await batch in store.watch(keyspace.locks, from: answer.revision.next) {
                    for case .delete(let key, _) in batch.events {
                        if let unit = LockInput.unit(of: key, keyspace) { add.yield(.freed(unit)) }
                    }
                }
            } catch {
                if Task.isCancelled { return }
            }
            do { try await clock.sleep(for: backoff.delay()) } catch { return }
        }
    }
}
