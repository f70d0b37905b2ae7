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

    private func register() {
        let sent = machine.clock.elapsed
        client.grant(.ttl(SimOptions.agentTTL.duration)) { [self] answer in
            guard case .success(let lease) = answer else { return again() }
            let key = RegistryKey.presence(machine.id).key(in: machine.world.keyspace)
            let put = StoreOperation.put(key, RegistryValue.encode(machine.presence), lease: lease)
            let known = RegistryKey.known(machine.id).key(in: machine.world.keyspace)
            let remembered = RegistryValue.encode(KnownMachine(machine.presence))
            let operations = [put, .put(known, remembered, lease: nil)]
            client.commit(Transaction(operations: operations), by: .session(machine: machine.index)) { [self] outcome in
                guard case .committed = outcome else { return again() }
                current = lease
                reader?(lease)
                backoff.reset()
                machine.systemd.world.note { "m\(machine.index) session: lease \(lease)" }
                silence.hear(at: machine.clock.elapsed)
                renewed?(lease, sent)
                let ttl = SimOptions.agentTTL.duration
                keep(lease, LeaseRenewal(ttl: ttl, at: sent), after: LeaseRenewal.pause(of: ttl))
            }
        }
    }

    private func again() {
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
