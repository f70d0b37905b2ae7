package import FleetModel
package import FleetRegistry
package import Logging
import ServiceLifecycle

/// Says that this machine is here: holds its lease and its presence. Statuses and refusals hang on the same lease.
package actor MachineSession: Service {
    private let store: any KeyValueStore
    private let keyspace: Keyspace
    private let machine: MachineID
    private let life: LeaseLife
    private let keeper: LeaseKeeper
    private let presence: @Sendable () async -> MachinePresence
    private let renewed: @Sendable (LeaseID, _ sent: Duration) -> Void
    private let clock: any WallClock
    private let log: Logger
    /// Told of every answer of the registry.
    package nonisolated let ear: RegistryEar
    private var current: LeaseID?
    private var hasLeft = false
    private var readers: [AsyncStream<LeaseID>.Continuation] = []

    /// `presence` is asked for whenever the machine registers anew. `renewed` is told of every lease and of each of its
    /// renewals, with the time of `WallClock.elapsed` at which it was asked for.
    package init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        machine: MachineID,
        life: LeaseLife,
        presence: @escaping @Sendable () async -> MachinePresence,
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
        self.renewed = renewed
        self.clock = clock
        self.log = log
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
            try await put(presence(), on: current)
        } catch {
            log.error("The registry did not take what this machine says of itself: \(error)")
        }
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
        await cancelWhenGracefulShutdown { await self.hold() }
        for reader in readers { reader.finish() }
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
            } catch {
                guard !Task.isCancelled, !hasLeft else { return }
                log.error("This machine is not registered: \(error); trying again")
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
            }
        }
    }

    private func register() async throws -> LeaseID {
        let lease = try await store.grantLease(life)
        try await put(presence(), on: lease)
        current = lease
        for reader in readers { reader.yield(lease) }
        log.info("Registered this machine", metadata: ["machine": "\(machine)"])
        return lease
    }

    private func put(_ presence: MachinePresence, on lease: LeaseID) async throws {
        let key = RegistryKey.presence(machine).key(in: keyspace)
        let value = RegistryValue.encode(presence)
        let known = RegistryValue.encode(KnownMachine(presence))
        let transaction = Transaction(operations: [
            .put(key, value, lease: lease), .put(RegistryKey.known(machine).key(in: keyspace), known, lease: nil),
        ])
        switch await store.commit(transaction) {
        case .committed: return
        case .conflict: preconditionFailure("a transaction without compares conflicts with nothing")
        case .refused(let error), .unknown(let error): throw error
        }
    }
}
