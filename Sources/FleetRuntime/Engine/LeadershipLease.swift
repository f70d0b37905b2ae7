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
    private var term = LeadershipTerm()

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
            let outcome = await store.commit(Transaction(compares: [.absent(key)], operations: [put]))
            if let result = term.put(outcome) { return result }
            return term.found(try await store.range(.key(key), limit: 1).entries.first)
        } catch {
            return term.failed()
        }
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
        switch life {
        case .whileOpen:
            do { try await waitForCancellation() } catch { return .cancelled }
        case .ttl(let ttl):
            var renewal = LeaseRenewal(ttl: ttl, at: clock.elapsed())
            while true {
                do { try await clock.sleep(for: LeaseRenewal.pause(of: ttl)) } catch { return .cancelled }
                let sent = clock.elapsed()
                guard renewal.isAlive(after: await renew(lease), sent: sent, at: clock.elapsed()) else {
                    term.ended(lease)
                    return .lost
                }
            }
        }
    }

    /// nil when the lease was renewed.
    private func renew(_ lease: LeaseID) async -> StoreError? {
        do throws(StoreError) {
            try await store.keepAlive(lease)
            return nil
        } catch {
            return error
        }
    }

    private func currentLease() async throws(StoreError) -> LeaseID {
        if let lease = term.lease { return lease }
        let granted = try await store.grantLease(life)
        term.granted(granted)
        return granted
    }
}
