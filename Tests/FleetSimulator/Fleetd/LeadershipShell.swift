import FleetEngine
import FleetModel
import FleetRegistry
import FleetRuntime

/// The registry's part of an election. Mirrors `LeadershipLease.swift` and `LeaseKeeper.swift` in `FleetRuntime`.
final class LeadershipShell {
    private let machine: SimMachine
    private let client: StoreClient
    private var term = LeadershipTerm()

    init(_ machine: SimMachine, _ client: StoreClient) {
        self.machine = machine
        self.client = client
    }

    private var writer: SimStore.Writer { .engine(machine: machine.index, epoch: nil) }

    func campaign(then done: @escaping (CampaignResult) -> Void) {
        if let lease = term.lease { return put(lease, done) }
        client.grant(.ttl(SimOptions.engineTTL.duration)) { [self] answer in
            guard case .success(let granted) = answer else { return done(term.failed()) }
            term.granted(granted)
            put(granted, done)
        }
    }

    private func put(_ lease: LeaseID, _ done: @escaping (CampaignResult) -> Void) {
        let key = RegistryKey.leader.key(in: machine.world.keyspace)
        let record = LeaderRecord(machine: machine.id, since: machine.clock.now)
        let put = StoreOperation.put(key, RegistryValue.encode(record), lease: lease)
        client.commit(Transaction(compares: [.absent(key)], operations: [put]), by: writer) { [self] outcome in
            if machine.world.has(.campaignWithOldLease), case .refused = outcome { return done(.failed) }
            if let result = term.put(outcome) { done(result) } else { lookUp(key, done) }
        }
    }

    private func lookUp(_ key: Key, _ done: @escaping (CampaignResult) -> Void) {
        client.range(.key(key), limit: 1) { [self] answer in
            switch answer {
            case .success(let answer):
                let before = term
                let result = term.found(answer.entries.first)
                if machine.world.has(.campaignWithOldLease) { term = before }
                done(result)
            case .failure: done(term.failed())
            }
        }
    }

    func rewrite(epoch: Epoch, since: Timestamp, then done: @escaping (Bool) -> Void) {
        let record = LeaderRecord(machine: machine.id, since: since)
        let key = RegistryKey.leader.key(in: machine.world.keyspace)
        guard let transaction = term.rewriting(key, record, epoch: epoch) else { return done(true) }
        client.commit(transaction, by: writer) { done(LeadershipTerm.isFenced(by: $0)) }
    }

    func resign(then done: @escaping () -> Void) {
        guard let lease = term.lease else { return done() }
        term.ended(lease)
        client.revoke(lease) { _ in done() }
    }

    func hold(lost: @escaping () -> Void) {
        guard !machine.world.has(.skipLeadershipHold) else { return }
        guard let lease = term.lease else { return lost() }
        let ttl = SimOptions.engineTTL.duration
        renew(lease, LeaseRenewal(ttl: ttl, at: machine.clock.elapsed), lost)
    }

    private func renew(_ lease: LeaseID, _ renewal: LeaseRenewal, _ lost: @escaping () -> Void) {
        let pause = SimSpan(LeaseRenewal.pause(of: SimOptions.engineTTL.duration))
        machine.clock.wake(machine.process, after: pause) { [self] in
            let sent = machine.clock.elapsed
            client.keepAlive(lease) { [self] answer in
                var renewal = renewal
                var problem: StoreError?
                if case .failure(let error) = answer { problem = error }
                if renewal.isAlive(after: problem, sent: sent, at: machine.clock.elapsed) {
                    return renew(lease, renewal, lost)
                }
                term.ended(lease)
                lost()
            }
        }
    }
}
