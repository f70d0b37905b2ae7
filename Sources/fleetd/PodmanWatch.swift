import FleetModel
import FleetRuntime
import ServiceLifecycle
import SystemdBus

/// Says anew what this machine has when its podman has come, gone or changed. Its packages have systemd read its files
/// again, which is the moment to look; `systemctl reload fleetd` does it by hand.
struct PodmanWatch: Service {
    let systemd: SystemdBus
    let session: MachineSession

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var known = await systemd.podmanVersion()
            for await _ in systemd.reloadings {
                let found = await systemd.podmanVersion()
                guard found != known else { continue }
                known = found
                await session.announce()
            }
        }
    }
}
