import FleetModel
import FleetRegistry
import FleetRuntime
import FleetServer
import Logging
import SQLiteStore
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
        let identity = try MachineIdentity()
        let clock = SystemClock()
        let notifier = ServiceNotifier()

        let store = try await SQLiteStore.open(path: stateFolder + "/registry.db", logger: log)
        let registry = RegistryService(
            store: store,
            keyspace: Keyspace(prefix: configuration.keyPrefix),
            clock: clock,
            version: FleetVersion.text,
            log: log
        )
        let journal = SystemdJournal()
        let systemd = SystemdBus(journal: journal, log: log)
        let announcement = MachineAnnouncement(identity, configuration, systemd: systemd, clock: clock)
        let session = MachineSession(
            store: store,
            keyspace: registry.keyspace,
            machine: identity.machine,
            life: .whileOpen,
            presence: { await announcement.presence() },
            clock: clock,
            log: log
        )
        let agent = AgentService(
            store: store,
            keyspace: registry.keyspace,
            machine: identity.machine,
            units: systemd,
            ledger: FileLedger(folder: "/run/fleet/ledger"),
            leases: await session.leases(),
            storedEvents: { unit in await registry.snapshot.eventIDs[unit] ?? [] },
            clock: clock,
            log: log
        )
        let engine = EngineService(
            machine: identity.machine,
            registry: registry,
            store: store,
            life: .whileOpen,
            clock: clock,
            log: log
        )
        let control = FleetController(
            machine: identity.machine,
            version: FleetVersion.text,
            registry: registry,
            store: store,
            journal: JournalAdapter(journal: journal),
            systemd: { await announcement.systemdProblem() },
            clock: clock,
            log: log
        )
        var limits = ServerLimits()
        limits.pageItems = configuration.tokenLimit
        let server = FleetServer(
            control: control,
            explainer: PlannerExplainer(clock: clock),
            sockets: sockets(log),
            limits: limits,
            logger: log
        )
        let reload = Reload(source: source, announcement: announcement, session: session, notifier: notifier, log: log)
        let supervision = Supervision(notifier: notifier, registry: registry, machine: identity.machine, log: log)

        var services: [any Service] = [registry, SystemdConnection(bus: systemd), session, agent]
        if !configuration.disableEngine { services.append(engine) }
        services += [server, reload, supervision] as [any Service]
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) },
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

    private func sockets(_ log: Logger) -> [ListeningSocket] {
        let passed = ActivatedSocket.takeAll()
        guard passed.isEmpty else { return passed.map { .descriptor($0.descriptor) } }
        log.warning("systemd has passed no socket (is fleetd.socket enabled?); listening on \(socketPath)")
        return [.path(socketPath)]
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
