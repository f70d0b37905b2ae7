import FleetModel
import FleetRuntime
import Logging
import SystemdBus

/// What this machine says of itself, by its present settings.
actor MachineAnnouncement {
    private let identity: MachineIdentity
    private var configuration: Configuration
    private let systemd: SystemdBus
    private let secrets: any SecretBox
    private let since: Timestamp
    private let log: Logger

    init(
        _ identity: MachineIdentity,
        _ configuration: Configuration,
        systemd: SystemdBus,
        secrets: any SecretBox,
        clock: some WallClock,
        log: Logger
    ) {
        self.identity = identity
        self.configuration = configuration
        self.systemd = systemd
        self.secrets = secrets
        self.log = log
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
            secretKeys: secretKeys(),
            since: since
        )
    }

    private func secretKeys() -> [SecretKeyID]? {
        do throws(SecretBoxError) {
            let keys = try secrets.keys()
            return keys.isEmpty ? nil : keys
        } catch {
            log.error("This machine has no keys for secrets: \(error)")
            return nil
        }
    }

    /// Why systemd cannot be reached; nil while it can.
    func systemdProblem() async -> String? {
        await systemd.isConnected ? nil : "fleetd is not connected to systemd; it keeps trying"
    }
}
