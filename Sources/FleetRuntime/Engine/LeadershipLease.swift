import FleetEngine
import FleetModel
import FleetRegistry

/// Does the registry's part of an election: one key on one lease.
actor LeadershipLease {
    enum Ending: Hashable, Sendable {
        /// The lease ended, or could not be renewed for as long as it lives.
        case lost
        case cancelled
    }

    private let machine: MachineID
    private let store: any KeyValueStore
    private let keyspace: Keyspace
    private let life: LeaseLife
    private let keeper: LeaseKeeper
    private let clock: any WallClock
    private var term = LeadershipTerm()

    init(machine: MachineID, store: any KeyValueStore, keyspace: Keyspace, life: LeaseLife, clock: any WallClock) {
        self.machine = machine
        self.store = store
        self.keyspace = keyspace
        self.life = life
        keeper = LeaseKeeper(store: store, life: life, retry: LeaseRenewal.pause, clock: clock)
        self.clock = clock
    }

    /// See `EngineDirective.campaign`.
    func campaign() async -> CampaignResult {
        do throws(StoreError) {
            let lease = try await currentLease()
            let key = RegistryKey.leader.key(in: keyspace)
            let record = LeaderRecord(machine: machine, since: clock.now())
            let put = StoreOperation.put(key, RegistryValue.encode(record), lease: lease)
            let outcome = await store.commit(Transaction(compares: [.absent(key)], operations: [put]))
            if let result = term.put(outcome) { return result }
            return term.found(try await store.range(.key(key), limit: 1).entries.first)
        } catch {
            return term.failed()
        }
    }

    /// Writes the key anew. False when it has to be tried again.
    func rewrite(epoch: Epoch, since: Timestamp) async -> Bool {
        let record = LeaderRecord(machine: machine, since: since)
        let key = RegistryKey.leader.key(in: keyspace)
        guard let transaction = term.rewriting(key, record, epoch: epoch) else { return true }
        return LeadershipTerm.isFenced(by: await store.commit(transaction))
    }

    /// Gives the key up, with the lease it is on. An answer that is lost costs the fleet one lease's time.
    func resign() async {
        guard let lease = term.lease else { return }
        term.ended(lease)
        do throws(StoreError) { try await store.revoke(lease) } catch { return }
    }

    /// Keeps the lease alive until it is lost.
    func hold() async -> Ending {
        guard let lease = term.lease else { return .lost }
        do {
            try await keeper.keep(lease, since: clock.elapsed())
        } catch is StoreError {
            term.ended(lease)
            return .lost
        } catch {
            return .cancelled
        }
    }

    private func currentLease() async throws(StoreError) -> LeaseID {
        if let lease = term.lease { return lease }
        let granted = try await store.grantLease(life)
        term.granted(granted)
        return granted
    }
}
