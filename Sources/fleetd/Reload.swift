import FleetRuntime
import Logging
import ServiceLifecycle
import SystemdBus
import UnixSignals

/// SIGHUP (`systemctl reload fleetd`) reads the settings again. Settings with a mistake change nothing.
struct Reload: Service {
    let source: ConfigurationSource
    let announcement: MachineAnnouncement
    let session: MachineSession
    let notifier: ServiceNotifier
    let log: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                notifier.reloading()
                do {
                    await announcement.apply(try source.read(log: log))
                    await session.announce()
                    log.notice(
                        "Read the settings again; what is not about this machine's metadata or address needs a restart"
                    )
                    notifier.ready(status: "Settings read again")
                } catch {
                    log.error("The settings are left as they were: \(error)")
                    notifier.ready(status: "Settings not read: \(error)")
                }
            }
        }
    }
}
