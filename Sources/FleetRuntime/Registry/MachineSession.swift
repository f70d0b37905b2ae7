package import FleetModel
package import FleetRegistry
package import Logging
import ServiceLifecycle

/// Says that this machine is here: holds its lease and its presence. Statuses and refusals hang on the same lease.
///
/// The presence is put only where there is none, or one on a lease of this machine's own (`OwnLeases`): one machine of
/// two with the same id is refused, and waits. A machine that boots waits as well, until its lease of before has ended.
package actor MachineSession: Service, Admission {
    private enum Standing {
        /// Nobody has said yet.
        case unknown
        case admitted
        /// The presence is another machine's, seen since then by `WallClock.elapsed`.
        case refused(since: Duration, isTold: Bool)
    }

    /// The registry has the presence of another machine with this id.
    private struct Taken: Error, CustomStringConvertible {
        let other: MachinePresence?
        var description: String { "another machine with the same id is in the fleet" }
    }

    private let store: any KeyValueStore
    private let keyspace: Keyspace
    private let machine: MachineID
    private let life: LeaseLife
    private let keeper: LeaseKeeper
    private let presence: @Sendable () async -> MachinePresence
    private let memory: any LeaseMemory
    private let renewed: @Sendable (LeaseID, _ sent: Duration) -> Void
    private let clock: any WallClock
    private let log: Logger
    /// Told of every answer of the registry.
    package nonisolated let ear: RegistryEar
    private var current: LeaseID?
    private var own = OwnLeases()
    private var standing = Standing.unknown
    private var waiting: [AsyncStream<Never>.Continuation] = []
    /// When the presence was put last.
    private var placed = Revision.zero
    private var hasLeft = false
    private let missing: AsyncStream<Void>
    private let signalMissing: AsyncStream<Void>.Continuation
    private var readers: [AsyncStream<LeaseID>.Continuation] = []

    /// `presence` is asked for whenever the machine registers anew. `renewed` is told of every lease and of each of its
    /// renewals, with the time of `WallClock.elapsed` at which it was asked for.
    package init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        machine: MachineID,
        life: LeaseLife,
        presence: @escaping @Sendable () async -> MachinePresence,
        memory: any LeaseMemory,
        renewed: @escaping @Sendable (LeaseID, _ sent: Duration) -> Void = { _, _ in },
        clock: any WallClock,
        log: Logger
    ) {
        self.store = store
        self.keyspace = keyspace
        self.machine = machine
        self.life = life
        keeper = LeaseKeeper(store: store, life: life, retry: LeaseRenewal.pauseAfterFailure, clock: clock)
        self.presence = presence
        self.memory = memory
        self.renewed = renewed
        self.clock = clock
        self.log = log
        (missing, signalMissing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        ear = RegistryEar(life, at: clock.elapsed())
    }

    /// Every lease the machine gets, the present one first. Whoever hangs keys on it puts them again on a new one.
    package func leases() -> AsyncStream<LeaseID> {
        let (stream, continuation) = AsyncStream.makeStream(of: LeaseID.self, bufferingPolicy: .bufferingNewest(1))
        readers.append(continuation)
        if let current { continuation.yield(current) }
        return stream
    }

    /// Puts the machine's presence again, after what it says of itself has changed.
    package func announce() async {
        guard let current else { return }
        do {
            try await put(presence(), on: current, replacing: stored())
        } catch {
            log.error("The registry did not take what this machine says of itself: \(error)")
        }
    }

    /// The registry has the machine's presence on `lease`, since `revision`. A request whose answer was lost may have
    /// moved it to a lease that nobody renews.
    package func noticed(_ lease: LeaseID?, at revision: Revision) {
        if let current, lease != current, revision > placed { signalMissing.yield() }
    }

    package func admitted() async {
        if case .admitted = standing { return }
        // Ends with the task that waits, too.
        let (end, continuation) = AsyncStream.makeStream(of: Never.self)
        waiting.append(continuation)
        for await _ in end {}
    }

    package var isRefused: Bool { if case .refused = standing { true } else { false } }

    private func letGoOn() {
        for waiter in waiting { waiter.finish() }
        waiting = []
    }

    /// The machine is gone from the fleet: its lease is given back, and it does not register again.
    package func leave() async {
        hasLeft = true
        guard let lease = current else { return }
        current = nil
        // Who leaves in good order is not lost. Should this not be heard, it is listed as lost until it is back.
        let keys = [RegistryKey.presence(machine), .known(machine)].map { $0.key(in: keyspace) }
        _ = await store.commit(Transaction(operations: keys.map { .delete(.key($0)) }))
        do throws(StoreError) {
            try await store.revoke(lease)
            log.notice("This machine goes down; its units may move")
        } catch {
            log.error("This machine's lease could not be given back, its units move when it ends: \(error)")
        }
    }

    package func run() async throws {
        own = memory.leases()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.repair() }
                await self.hold()
                group.cancelAll()
            }
        }
        for reader in readers { reader.finish() }
        letGoOn()
    }

    private func hold() async {
        var backoff = Backoff()
        while !Task.isCancelled, !hasLeft {
            do {
                let sent = clock.elapsed()
                let lease = try await register()
                backoff.reset()
                ear.hear(at: clock.elapsed())
                renewed(lease, sent)
                try await keeper.keep(lease, since: sent) { [renewed, ear, clock] in
                    ear.hear(at: clock.elapsed())
                    renewed(lease, $0)
                }
            } catch let taken as Taken {
                do { try await clock.sleep(for: refuse(taken)) } catch { return }
            } catch {
                guard !Task.isCancelled, !hasLeft else { return }
                log.error("This machine is not registered: \(error); trying again")
                if !isRefused { letGoOn() }
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
            }
        }
    }

    /// How long to wait before looking again. The end of a lease from before a boot comes soon, and units wait for it.
    private func refuse(_ taken: Taken) -> Duration {
        let now = clock.elapsed()
        guard case .refused(let since, let isTold) = standing else {
            log.notice("The registry has this machine already, from before it booted; waiting until that lease ends")
            standing = .refused(since: now, isTold: false)
            return Self.refusalPause
        }
        guard case .ttl(let ttl) = life, now - since > ttl * 2 else { return Self.refusalPause }
        if !isTold {
            let name = taken.other.map { " (\($0.hostname), \($0.primaryIP))" } ?? ""
            log.critical(
                """
                Another machine\(name) has this machine's id \(machine), so this one takes no part in the fleet: give \
                it an id of its own (rm /etc/machine-id; systemd-machine-id-setup) and boot it
                """
            )
            standing = .refused(since: since, isTold: true)
        }
        return ttl
    }

    private static let refusalPause = Duration.milliseconds(250)

    private func register() async throws -> LeaseID {
        let before = try await stored()
        try check(before)
        let lease = try await store.grantLease(life)
        // Before anything hangs on it: what an end of this process leaves behind is known to the next one.
        own.add(lease)
        do { try memory.keep(own) } catch { log.error("This machine's leases cannot be remembered: \(error)") }
        do {
            try await put(presence(), on: lease, replacing: before)
        } catch {
            // Or the presence may come to hang on it later, when nobody renews it.
            do { try await store.revoke(lease) } catch { log.info("A lease was left to end by itself: \(error)") }
            throw error
        }
        current = lease
        standing = .admitted
        letGoOn()
        for reader in readers { reader.yield(lease) }
        log.info("Registered this machine", metadata: ["machine": "\(machine)"])
        return lease
    }

    /// Puts the presence again where it has gone from a lease that lives.
    private func repair() async {
        for await _ in missing {
            var backoff = Backoff()
            while let lease = current, !Task.isCancelled {
                do {
                    try await put(presence(), on: lease, replacing: stored())
                    log.notice("This machine's presence was not in the registry as it was put, and was put again")
                    break
                } catch is Taken {
                    // The lease is not renewed any more once it has ended.
                    current = nil
                    do { try await store.revoke(lease) } catch { log.info("A lease was left to end: \(error)") }
                } catch let error as StoreError where error.code == .leaseNotFound {
                    break
                } catch {
                    do { try await clock.sleep(for: backoff.delay()) } catch { return }
                }
            }
        }
    }

    private func stored() async throws -> StoredEntry? {
        try await store.range(.key(RegistryKey.presence(machine).key(in: keyspace)), limit: 1).entries.first
    }

    private func check(_ entry: StoredEntry?) throws {
        guard own.areNot(of: entry) else { return }
        throw Taken(other: entry.flatMap { try? RegistryValue.decode(MachinePresence.self, from: $0.value) })
    }

    /// Only from what was seen: a write that comes late changes nothing. Nothing is put on a lease that has a
    /// successor: whoever has got that one puts the presence.
    private func put(_ presence: MachinePresence, on lease: LeaseID, replacing seen: StoredEntry?) async throws {
        var before = seen
        while lease == own.newest {
            try check(before)
            switch await store.commit(.presence(presence, of: machine, keyspace, lease, replacing: before)) {
            case .committed(let revision):
                placed = revision
                return
            case .conflict:
                try Task.checkCancellation()
                before = try await stored()
            case .refused(let error), .unknown(let error): throw error
            }
        }
    }
}
