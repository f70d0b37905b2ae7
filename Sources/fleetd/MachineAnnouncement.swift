import FleetModel
import FleetRuntime
import SystemdBus

/// What this machine says of itself, by its present settings.
actor MachineAnnouncement {
    private let identity: MachineIdentity
    private var configuration: Configuration
    private let systemd: SystemdBus
    private let since: Timestamp

    init(_ identity: MachineIdentity, _ configuration: Configuration, systemd: SystemdBus, clock: some WallClock) {
        self.identity = identity
        self.configuration = configuration
        self.systemd = systemd
        since = clock.now()
    }

    func apply(_ configuration: Configuration) {
        self.configuration = configuration
    }

    func presence() async -> MachinePresence {
        MachinePresence(
            hostname: identity.hostname,
            primaryIP: configuration.publicIP.isEmpty ? HostAddress.primary() : configuration.publicIP,
            metadata: configuration.metadata,
            version: FleetVersion.text,
            systemdVersion: await systemd.version,
            podman: await systemd.podmanVersion(),
            since: since
        )
    }

    /// Why systemd cannot be reached; nil while it can.
    func systemdProblem() async -> String? {
        await systemd.isConnected ? nil : "fleetd is not connected to systemd; it keeps trying"
    }
}
