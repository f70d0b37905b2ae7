import FleetModel
import FleetRegistry
import FleetRuntime

/// One life of fleetd on one machine: its parts, wired as `Sources/fleetd/Daemon.swift` does it.
final class SimFleetd {
    let registry: RegistryShell
    let session: SessionShell
    let locks: LockShell
    let agent: AgentShell
    /// nil where `disable_engine` is set.
    let engine: EngineShell?
    let control: ControlShell

    init(_ machine: SimMachine) {
        let world = machine.world
        let client = StoreClient(
            world: world,
            store: machine.store,
            link: machine.link,
            process: machine.process,
            machine: machine.index,
            checks: machine.checks
        )
        registry = RegistryShell(machine, client)
        session = SessionShell(machine, client)
        locks = LockShell(machine, client)
        agent = AgentShell(machine, client, registry, locks)
        engine = machine.hasEngine ? EngineShell(machine, client, registry) : nil
        control = ControlShell(machine, client, registry)
        let (agent, locks, session) = (agent, locks, session)
        let own = OwnKeys(of: machine.id, in: world.keyspace)
        registry.noticed = { [unowned agent, unowned locks, unowned session] news in
            if let (lease, revision) = own.presence(in: news) { session.noticed(lease, at: revision) }
            locks.noticed(own.locks(of: machine.id, in: news))
            agent.noticed(news)
        }
        agent.admitted = { [unowned session] in session.admitted(then: $0) }
        engine?.silence = { [unowned session] in session.silence.left(at: machine.clock.elapsed) }
        locks.tell = { [unowned agent] in agent.take($0) }
        session.renewed = { [unowned locks] in locks.renewed($0, sent: $1) }
        session.reader = { [unowned agent] in agent.hang(on: $0) }
    }

    func start() {
        registry.start()
        locks.start()
        agent.start()
        session.start()
        engine?.start()
    }
}
