import FleetEngine
package import FleetModel
import FleetPlanner
import FleetRegistry
package import Logging
import ServiceLifecycle
import UnitFile

/// Runs the engine's core: feeds it what the registry says and carries out its directives. Chooses nothing.
package actor EngineService: Service {
    /// What wakes the loop. Registry changes carry nothing: the loop takes all that has gathered.
    private enum Signal: Sendable {
        case registry
        case input(EngineInput)
    }

    private let registry: RegistryService
    private let store: any KeyValueStore
    private let leadership: LeadershipLease
    private let ear: RegistryEar?
    /// For how long after its start this engine is one of a machine that has just booted.
    private let settling: Duration
    private let clock: any WallClock
    private let log: Logger
    private let signals: AsyncStream<Signal>
    private let signal: AsyncStream<Signal>.Continuation
    private var core: EngineCore
    /// The timer of the last `wake` directive.
    private var alarm: Task<Void, Never>?

    /// `life` is that of the leadership's lease. `uptime`: how long ago the machine booted, if this is its first fleetd
    /// since. `ear` hears when the registry answers.
    package init(
        machine: MachineID,
        registry: RegistryService,
        store: any KeyValueStore,
        life: LeaseLife,
        uptime: Duration? = nil,
        ear: RegistryEar? = nil,
        clock: any WallClock,
        log: Logger
    ) {
        self.ear = ear
        settling = uptime.map { max(EngineLimits.bootRound - $0, .zero) } ?? .zero
        self.registry = registry
        self.store = store
        self.clock = clock
        self.log = log
        core = EngineCore(
            keyspace: registry.keyspace,
            machine: machine,
            isSettling: settling > .zero,
            booted: uptime.map { clock.now().advanced(by: .zero - $0) }
        )
        leadership = LeadershipLease(
            machine: machine,
            store: store,
            keyspace: registry.keyspace,
            life: life,
            clock: clock
        )
        // Unbounded: every element but `registry` answers a directive, and the core has few of those open at a time.
        (signals, signal) = AsyncStream.makeStream()
    }

    package func run() async throws {
        let (subscription, changes) = await registry.subscribe()
        await withTaskGroup { group in
            if settling > .zero {
                group.addTask { [settling, clock, signal] in
                    do { try await clock.sleep(for: settling) } catch { return }
                    signal.yield(.input(.settled))
                }
            }
            group.addTask { [signal] in
                await cancelWhenGracefulShutdown {
                    for await _ in changes { signal.yield(.registry) }
                }
                signal.yield(.input(.stop))
                signal.finish()
            }
            for await next in signals {
                switch next {
                case .registry:
                    let (changes, snapshot) = await registry.take(subscription)
                    if let left = ear?.left(at: clock.elapsed()) {
                        await step(.registrySilent(for: left), snapshot, &group)
                    }
                    await step(.changed(changes), snapshot, &group)
                case .input(let input):
                    await step(input, registry.snapshot, &group)
                }
            }
            alarm?.cancel()
            group.cancelAll()
        }
    }

    private func step(_ input: EngineInput, _ snapshot: Snapshot, _ group: inout TaskGroup<Void>) async {
        // A newer fleet is at work in the registry, or there is none in it yet: watch, decide nothing.
        switch await registry.condition {
        case .tooNew, .unread: if input != .stop { return }
        case .current, .stale: break
        }
        for directive in core.step(input, snapshot: snapshot, now: clock.now()) {
            switch directive {
            case .campaign:
                group.addTask { await self.campaign() }
            case .resign:
                await leadership.resign()
            case .commit(let id, let transaction):
                group.addTask { [store, signal] in
                    signal.yield(.input(.finished(id, CommitResult(await store.commit(transaction)))))
                }
            case .catchUp(let epoch, let isUncertain):
                let since = snapshot.leadership?.since ?? clock.now()
                group.addTask { await self.catchUp(epoch, rewriting: isUncertain ? since : nil) }
            case .findSilent(let machines):
                group.addTask { await self.findSilent(machines) }
            case .timeOldLeases:
                group.addTask { [clock, signal] in
                    do { try await clock.sleep(for: EngineLimits.oldLeases) } catch { return }
                    signal.yield(.input(.oldLeasesOver))
                }
            case .wake(let at):
                setAlarm(at)
            case .note(let note):
                log.note(note)
            }
        }
    }

    /// How long after an outage nobody begins to lead. While the registry did not answer, machines could not renew
    /// their leases; that one is not present then says nothing about it, and a leader that does not wait for it would
    /// stop what runs and start it elsewhere. The leadership's lease is the shorter one: no outage that ended a
    /// machine's lease has left a leader.
    package static let grace = EngineLimits.registrationRound

    private func campaign() async {
        if let ended = await registry.outageEnded {
            let left = ended + Self.grace - clock.elapsed()
            if left > .zero { do { try await clock.sleep(for: left) } catch { return } }
        }
        let result = await leadership.campaign()
        signal.yield(.input(.campaigned(result)))
        guard case .won(let epoch) = result else { return }
        if await leadership.hold() == .lost { signal.yield(.input(.leadershipLost(epoch))) }
    }

    /// `since`: since when this machine leads, if the leadership key is to be written anew.
    private func catchUp(_ epoch: Epoch, rewriting since: Timestamp?) async {
        var backoff = Backoff()
        var isFenced = since == nil
        let key = RegistryKey.leader.key(in: registry.keyspace)
        while !Task.isCancelled {
            do throws(StoreError) {
                if !isFenced, let since { isFenced = await leadership.rewrite(epoch: epoch, since: since) }
                guard isFenced else { throw StoreError(.unavailable, "it is not known who leads") }
                let answer = try await store.range(.key(key), limit: 1)
                await registry.seek(answer.revision)
                let fence = answer.entries.first.flatMap { $0.created == epoch ? $0.modified : nil }
                signal.yield(.input(.caughtUp(answer.revision, epoch: epoch, fence: fence)))
                return
            } catch {
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
            }
        }
    }

    /// What has not answered by then is not silent: units of a lost machine wait for this answer.
    package static let soundingTime = Duration.milliseconds(500)
    /// How many machines are asked for at a time.
    private static let soundings = 16

    private func findSilent(_ machines: [MachineID]) async {
        let silent = await withTaskGroup(of: MachineID??.self) { [clock] group in
            var next = machines.makeIterator()
            var silent: Set<MachineID> = []
            func ask() {
                guard let machine = next.next() else { return }
                group.addTask { await self.isSilent(machine) ? machine : .some(nil) }
            }
            group.addTask {
                do { try await clock.sleep(for: Self.soundingTime) } catch { return nil }
                return nil
            }
            for _ in 0..<Self.soundings { ask() }
            var answers = 0
            while answers < machines.count, let answer = await group.next(), let machine = answer {
                answers += 1
                if let machine { silent.insert(machine) }
                ask()
            }
            group.cancelAll()
            return silent
        }
        signal.yield(.input(.foundSilent(silent)))
    }

    private func isSilent(_ machine: MachineID) async -> Bool {
        let presence = RegistryKey.presence(machine).key(in: registry.keyspace)
        do throws(StoreError) {
            guard let entry = try await store.range(.key(presence), limit: 1).entries.first else { return true }
            guard let lease = entry.lease else { return false }
            return try await store.time(of: lease)?.isOverdue ?? false
        } catch {
            return error.code == .leaseNotFound
        }
    }

    private func setAlarm(_ at: Timestamp) {
        alarm?.cancel()
        alarm = Task { [clock, signal] in
            do { try await clock.sleep(for: max(at.since(clock.now()), .zero)) } catch { return }
            signal.yield(.input(.wake))
        }
    }
}

extension Logger {
    fileprivate func note(_ note: EngineNote) {
        switch note {
        case .leads(let epoch): notice("This machine leads the fleet", metadata: ["epoch": "\(epoch)"])
        case .leadsNoMore(let epoch): notice("This machine leads no more", metadata: ["epoch": "\(epoch)"])
        case .decided(let decisions):
            for decision in decisions { info("\(decision)", metadata: ["unit": "\(decision.unit)"]) }
        case .braked(let machines):
            error(
                """
                More machines are lost than are left: nothing is moved off \(machines.map(\.short).joined(separator: ", ")) \
                until they are back, or until 'fleetctl brake release'
                """
            )
        case .awaits(let machines):
            let names = machines.map(\.short).joined(separator: ", ")
            notice("This machine has just booted: nothing is moved off \(names), which may be on their way")
        case .faulty(let machine, let units):
            warning(
                """
                \(units) units have failed on machine \(machine.short) within \(FaultyMachine.window.words) and nowhere \
                else: it is chosen last from now on
                """
            )
        case .brakeEnded: notice("The brake is off: units of lost machines are moved as usual")
        case .auditFailed(let findings):
            for finding in findings {
                critical("A plan broke a rule, and is not carried out there; please report this: \(finding)")
            }
        case .notCommitted(let units, let reason):
            info("Planning again for \(units.map(\.description).joined(separator: ", ")): \(reason)")
        }
    }
}
