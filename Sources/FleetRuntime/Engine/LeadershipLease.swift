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
    private let clock: any WallClock
    private var lease: LeaseID?

    init(machine: MachineID, store: any KeyValueStore, keyspace: Keyspace, life: LeaseLife, clock: any WallClock) {
        self.machine = machine
        self.store = store
        self.keyspace = keyspace
        self.life = life
        self.clock = clock
    }

    /// See `EngineDirective.campaign`.
    func campaign() async -> CampaignResult {
        do throws(StoreError) {
            let lease = try await currentLease()
            let key = RegistryKey.leader.key(in: keyspace)
            let record = LeaderRecord(machine: machine, since: clock.now())
            let put = StoreOperation.put(key, RegistryValue.encode(record), lease: lease)
            switch await store.commit(Transaction(compares: [.absent(key)], operations: [put])) {
            case .committed(let revision):
                return .won(revision)
            case .conflict:
                // An earlier try with an unknown outcome may have won.
                guard let entry = try await store.range(.key(key), limit: 1).entries.first else { return .failed }
                return entry.lease == lease ? .won(entry.created) : .held
            case .refused, .unknown:
                return .failed
            }
        } catch {
            // Perhaps the lease has ended: the next try has a new one.
            lease = nil
            return .failed
        }
    }

    /// Gives the key up, with the lease it is on. An answer that is lost costs the fleet one lease's time.
    func resign() async {
        guard let lease else { return }
        self.lease = nil
        do throws(StoreError) { try await store.revoke(lease) } catch { return }
    }

    /// Keeps the lease alive until it is lost.
    func hold() async -> Ending {
        guard let lease else { return .lost }
        switch life {
        case .whileOpen:
            do { try await waitForCancellation() } catch { return .cancelled }
        case .ttl(let ttl):
            var renewed = clock.now()
            while true {
                do { try await clock.sleep(until: clock.now().advanced(by: ttl / 3)) } catch { return .cancelled }
                do throws(StoreError) {
                    try await store.keepAlive(lease)
                    renewed = clock.now()
                } catch {
                    guard error.code == .leaseNotFound || clock.now().since(renewed) >= ttl else { continue }
                    self.lease = nil
                    return .lost
                }
            }
        }
    }

    private func currentLease() async throws(StoreError) -> LeaseID {
        if let lease { return lease }
        let granted = try await store.grantLease(life)
        lease = granted
        return granted
    }
}
