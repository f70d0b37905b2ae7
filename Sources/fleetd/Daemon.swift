import EtcdStore
import FleetModel
import FleetRegistry
import FleetRuntime
import FleetServer
import HealthProbes
import Logging
import SQLiteStore
import SecretKeys
import ServiceLifecycle
import SystemdBus
import UnixSignals

/// Builds fleetd from its parts and runs them in one group: who depends on whom reads from top to bottom. When one part
/// fails, all end and systemd starts fleetd again; units do not notice.
struct Daemon {
    /// nil for the standard place, which may be missing.
    let configurationPath: String?
    let stateFolder: String
    let socketPath: String

    static let log: Logger = {
        LoggingSystem.bootstrap { _ in JournalLogHandler() }
        return Logger(label: "fleetd")
    }()

    func run() async throws {
        let source = ConfigurationSource(path: configurationPath)
        let configuration = try source.read(log: Self.log)
        var log = Self.log
        log.logLevel = configuration.logLevel
        let store = try await openRegistry(configuration, log)
        let parts = try Parts(
            configuration,
            source: source,
            store: store,
            stateFolder: stateFolder,
            socketPath: socketPath,
            log: log
        )
        let group = ServiceGroup(
            configuration: .init(
                services: try await parts.services(sockets: ActivatedSocket.takeAll()).map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: log
            )
        )
        do {
            try await group.run()
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func openRegistry(_ configuration: Configuration, _ log: Logger) async throws -> any KeyValueStore {
        switch configuration.registry {
        case .embedded: try await SQLiteStore.open(path: stateFolder + "/registry.db", logger: log)
        case .etcd:
            try EtcdStore.open(
                configuration.etcdWithLease,
                logger: log,
                group: OneThread.group,
                sleep: { try await SystemClock(loop: OneThread.loop).sleep(for: $0) }
            )
        }
    }
}

/// What several services share, and the services made of it.
private struct Parts {
    let configuration: Configuration
    let source: ConfigurationSource
    let identity: MachineIdentity
    let store: any KeyValueStore
    let stateFolder: String
    let socketPath: String
    let secrets: FileSecretBox
    let registry: RegistryService
    let journal = SystemdJournal()
    let systemd: SystemdBus
    let images: PodmanImages
    let announcement: MachineAnnouncement
    let ownNews: AsyncStream<OwnKeys.News>
    /// Whether no fleetd has registered this machine since it booted.
    let isFirst: Bool
    let locks: LockService
    let session: MachineSession
    let clock = SystemClock(loop: OneThread.loop)
    let notifier = ServiceNotifier()
    let log: Logger

    init(
        _ configuration: Configuration,
        source: ConfigurationSource,
        store: any KeyValueStore,
        stateFolder: String,
        socketPath: String,
        log: Logger
    ) throws {
        self.configuration = configuration
        self.source = source
        self.store = store
        self.stateFolder = stateFolder
        self.socketPath = socketPath
        secrets = FileSecretBox(
            path: configuration.secretKeyFile ?? Configuration.standardSecretKeyFile,
            made: stateFolder + "/secret.keys",
            mayMake: configuration.registry == .embedded
        )
        self.log = log
        identity = try MachineIdentity()
        let (news, tell) = AsyncStream.makeStream(of: OwnKeys.News.self)
        ownNews = news
        let own = OwnKeys(of: identity.machine, in: Keyspace(prefix: configuration.keyPrefix))
        let leases = LeaseFile()
        isFirst = leases.leases().newest == nil
        registry = RegistryService(
            store: store,
            keyspace: Keyspace(prefix: configuration.keyPrefix),
            clock: clock,
            version: FleetVersion.text,
            mayDeclare: { !SystemdBus.hasUnits() },
            own: own,
            noticed: { tell.yield($0) },
            log: log
        )
        systemd = SystemdBus(
            journal: journal,
            fence: configuration.fenceTiming,
            elapsed: { [clock] in clock.elapsed() },
            sleep: { [clock] in try await clock.sleep(for: $0) },
            log: log
        )
        images = PodmanImages(systemd: systemd, clock: clock)
        let announcement = MachineAnnouncement(
            identity,
            configuration,
            systemd: systemd,
            secrets: secrets,
            clock: clock,
            log: log
        )
        self.announcement = announcement
        let locks = LockService(
            store: store,
            keyspace: registry.keyspace,
            machine: identity.machine,
            life: configuration.machineLeaseLife,
            fence: systemd,
            leases: leases,
            clock: clock,
            log: log
        )
        self.locks = locks
        session = MachineSession(
            store: store,
            keyspace: registry.keyspace,
            machine: identity.machine,
            life: configuration.machineLeaseLife,
            presence: { await announcement.presence() },
            memory: leases,
            renewed: { locks.renewed($0, sent: $1) },
            clock: clock,
            log: log
        )
    }

    /// In the order in which they are started; they end in the opposite one.
    func services(sockets: [ActivatedSocket]) async throws -> [any Service] {
        let supervision = Supervision(
            notifier: notifier,
            registry: registry,
            machine: identity.machine,
            clock: clock,
            log: log
        )
        let reload = Reload(source: source, announcement: announcement, session: session, notifier: notifier, log: log)
        var limits = ServerLimits()
        limits.pageItems = configuration.tokenLimit
        let explainer = PlannerExplainer(clock: clock)
        let server = FleetServer(
            control: control(),
            explainer: explainer,
            sockets: listeningSockets(sockets),
            limits: limits,
            logger: log
        )
        let departure = Departure(
            isShuttingDown: { [systemd] in await systemd.isShuttingDown() },
            isAtRest: { [systemd] in await systemd.isAllAtRest() },
            giveBack: { [locks] in await locks.giveBackAll() },
            session: session,
            clock: clock,
            log: log
        )
        let agent = await agent()
        var services: [any Service] = [
            registry, SystemdConnection(bus: systemd), locks, session, departure, agent, reflection(agent),
            try credentials(sockets, agent),
        ]
        if !configuration.disableEngine { services.append(engine()) }
        let thrift = MemoryThrift(registry: registry, clock: clock) { explainer.forget() }
        let podman = PodmanWatch(systemd: systemd, session: session)
        return services + [server, reload, supervision, thrift, podman] as [any Service]
    }

    private func listeningSockets(_ passed: [ActivatedSocket]) -> [ListeningSocket] {
        let own = passed.filter { $0.name != CredentialSocket.name }
        guard own.isEmpty else { return own.map { .descriptor($0.descriptor) } }
        log.warning("systemd has passed no socket (is fleetd.socket enabled?); listening on \(socketPath)")
        return [.path(socketPath)]
    }

    private func credentials(_ passed: [ActivatedSocket], _ agent: AgentService) throws -> CredentialService {
        let socket: CredentialSocket
        if let own = passed.first(where: { $0.name == CredentialSocket.name }) {
            socket = CredentialSocket(descriptor: own.descriptor)
        } else {
            log.warning(
                """
                systemd has passed no socket for credentials (is fleetd-credentials.socket enabled?): a unit that has \
                some and is started while fleetd restarts fails
                """
            )
            socket = try CredentialSocket(path: CredentialSocket.path)
        }
        return CredentialService(
            listener: socket,
            agent: agent,
            registry: registry,
            store: store,
            machine: identity.machine,
            box: secrets,
            memory: configuration.registry == .embedded
                ? nil : DurableFileLedger(folder: stateFolder + "/accepted-credentials"),
            isFetching: { [images] in await images.hasBegun($0) },
            clock: clock,
            log: log
        )
    }

    private func agent() async -> AgentService {
        AgentService(
            store: store,
            keyspace: registry.keyspace,
            machine: identity.machine,
            units: systemd,
            prober: MachineProber(systemd: systemd, network: NetworkProbe(group: OneThread.group)),
            puller: images,
            ledger: FileLedger(folder: "/run/fleet/ledger"),
            memory: configuration.registry == .embedded
                ? nil : DurableFileLedger(folder: stateFolder + "/accepted"),
            leases: await session.leases(),
            locks: locks,
            admission: session,
            storedEvents: { [registry] unit in await registry.snapshot.eventIDs[unit] ?? [] },
            clock: clock,
            log: log
        )
    }

    private func reflection(_ agent: AgentService) -> Reflection {
        Reflection(
            news: ownNews,
            own: OwnKeys(of: identity.machine, in: registry.keyspace),
            machine: identity.machine,
            session: session,
            locks: locks,
            agent: agent
        )
    }

    private func engine() -> EngineService {
        EngineService(
            machine: identity.machine,
            registry: registry,
            store: store,
            life: configuration.leadershipLife,
            // Only the first fleetd after a boot can have missed that others boot too.
            uptime: isFirst ? SystemClock.uptime() : nil,
            ear: session.ear,
            clock: clock,
            log: log
        )
    }

    private func control() -> FleetController {
        FleetController(
            machine: identity.machine,
            version: FleetVersion.text,
            registry: registry,
            store: store,
            journal: JournalAdapter(journal: journal),
            systemd: { [announcement] in await announcement.systemdProblem() },
            podman: systemd,
            resolver: images,
            secrets: secrets,
            keysChanged: { [session] in await session.announce() },
            clock: clock,
            log: log
        )
    }
}

/// Keeps the connection to systemd for as long as fleetd runs.
struct SystemdConnection: Service {
    let bus: SystemdBus

    func run() async throws {
        await cancelWhenGracefulShutdown { await bus.run() }
    }
}

extension Configuration {
    /// How much of the log reaches the journal.
    var logLevel: Logger.Level {
        switch verbosity {
        case 0: .info
        case 1: .debug
        default: .trace
        }
    }
}
