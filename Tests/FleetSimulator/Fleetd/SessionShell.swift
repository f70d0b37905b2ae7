import FleetModel
import FleetRegistry
import FleetRuntime

/// Holds the machine's lease and presence. Mirrors `MachineSession.swift` and `LeaseKeeper.swift` in
/// `FleetRuntime/Registry`.
final class SessionShell {
    private let machine: SimMachine
    private let client: StoreClient
    private var backoff = Backoff()
    private(set) var current: LeaseID?
    private enum Standing { case unknown, admitted, refused }
    private var standing = Standing.unknown
    private var placed = Revision.zero
    private var isRepairing = false
    private var waiting: [() -> Void] = []
    /// Mirrors `RegistryEar`.
    private(set) var silence: RegistrySilence
    var reader: ((LeaseID) -> Void)?
    var renewed: ((LeaseID, _ sent: Duration) -> Void)?

    init(_ machine: SimMachine, _ client: StoreClient) {
        self.machine = machine
        self.client = client
        silence = RegistrySilence(.ttl(SimOptions.agentTTL.duration), at: machine.clock.elapsed)
    }

    func start() { register() }

    private var key: Key { RegistryKey.presence(machine.id).key(in: machine.world.keyspace) }

    /// Calls once this machine may act under its id, or cannot know.
    func admitted(then action: @escaping () -> Void) {
        if standing == .admitted { return action() }
        waiting.append(action)
    }

    private func letGoOn() {
        let actions = waiting
        waiting = []
        for action in actions { action() }
    }

    func noticed(_ lease: LeaseID?, at revision: Revision) {
        if let current, lease != current, revision > placed, !isRepairing { repair(current, Backoff()) }
    }

    /// Puts the presence again where it has gone from a lease that lives.
    private func repair(_ lease: LeaseID, _ backoff: Backoff) {
        isRepairing = true
        place(on: lease) { [self] end in
            switch end {
            case .placed, .leaseGone: isRepairing = false
            case .taken:
                isRepairing = false
                current = nil
                client.revoke(lease) { _ in }
            case .failed:
                var backoff = backoff
                machine.clock.wake(machine.process, after: SimSpan(backoff.delay())) { [self] in
                    if current == lease { repair(lease, backoff) } else { isRepairing = false }
                }
            }
        }
    }

    private func register() {
        let sent = machine.clock.elapsed
        look { [self] before in
            client.grant(.ttl(SimOptions.agentTTL.duration)) { [self] answer in
                guard case .success(let lease) = answer else { return again() }
                machine.leases.add(lease)
                put(on: lease, replacing: before) { [self] end in
                    guard end == .placed else {
                        client.revoke(lease) { [self] _ in again() }
                        return
                    }
                    registered(lease, sent)
                }
            }
        } otherwise: { [self] end in
            guard end == .taken else { return again() }
            standing = .refused
            machine.clock.wake(machine.process, after: .milliseconds(250)) { [self] in register() }
        }
    }

    private func registered(_ lease: LeaseID, _ sent: Duration) {
        current = lease
        standing = .admitted
        letGoOn()
        reader?(lease)
        backoff.reset()
        machine.systemd.world.note { "m\(machine.index) session: lease \(lease)" }
        silence.hear(at: machine.clock.elapsed)
        renewed?(lease, sent)
        let ttl = SimOptions.agentTTL.duration
        keep(lease, LeaseRenewal(ttl: ttl, at: sent), after: LeaseRenewal.pause(of: ttl))
    }

    private enum End { case placed, taken, leaseGone, failed }

    private func place(on lease: LeaseID, then done: @escaping (End) -> Void) {
        look { [self] in
            put(on: lease, replacing: $0, then: done)
        } otherwise: {
            done($0)
        }
    }

    private func look(then found: @escaping (StoredEntry?) -> Void, otherwise: @escaping (End) -> Void) {
        client.range(.key(key), limit: 1) { [self] answer in
            guard case .success(let answer) = answer else { return otherwise(.failed) }
            let entry = answer.entries.first
            if machine.leases.areNot(of: entry) { otherwise(.taken) } else { found(entry) }
        }
    }

    private func put(on lease: LeaseID, replacing entry: StoredEntry?, then done: @escaping (End) -> Void) {
        guard lease == machine.leases.newest else { return done(.leaseGone) }
        let keyspace = machine.world.keyspace
        let put = Transaction.presence(machine.presence, of: machine.id, keyspace, lease, replacing: entry)
        client.commit(put, by: .session(machine: machine.index)) { [self] outcome in
            switch outcome {
            case .committed(let revision):
                placed = revision
                done(.placed)
            case .conflict: place(on: lease, then: done)
            case .refused(let error) where error.code == .leaseNotFound: done(.leaseGone)
            case .refused, .unknown: done(.failed)
            }
        }
    }

    private func again() {
        if standing != .refused { letGoOn() }
        machine.clock.wake(machine.process, after: SimSpan(backoff.delay())) { [self] in register() }
    }

    private func keep(_ lease: LeaseID, _ renewal: LeaseRenewal, after pause: Duration) {
        let ttl = SimOptions.agentTTL.duration
        let renew = { [self] in
            let sent = machine.clock.elapsed
            client.keepAlive(lease) { [self] answer in
                var renewal = renewal
                var problem: StoreError?
                if case .failure(let error) = answer { problem = error }
                guard renewal.isAlive(after: problem, sent: sent, at: machine.clock.elapsed) else { return again() }
                if problem == nil {
                    silence.hear(at: machine.clock.elapsed)
                    renewed?(lease, sent)
                }
                let pause = problem == nil ? LeaseRenewal.pause(of: ttl) : LeaseRenewal.pauseAfterFailure(of: ttl)
                keep(lease, renewal, after: pause)
            }
        }
        let clock = machine.clock
        if machine.world.has(.renewByWallClock) {
            clock.wake(machine.process, at: clock.now.advanced(by: pause), renew)
        } else {
            clock.wake(machine.process, after: SimSpan(pause), renew)
        }
    }
}
