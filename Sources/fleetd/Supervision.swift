import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import ServiceLifecycle
import SystemdBus

/// Tells systemd how fleetd is doing: ready, a line of status, and the watchdog's sign of life.
struct Supervision: Service {
    let notifier: ServiceNotifier
    let registry: RegistryService
    let machine: MachineID
    let clock: SystemClock
    let log: Logger

    func run() async throws {
        notifier.ready(status: "Reading the registry")
        await withTaskGroup { group in
            group.addTask { await cancelWhenGracefulShutdown { await status() } }
            if let interval = notifier.watchdogInterval {
                group.addTask { await cancelWhenGracefulShutdown { await watch(every: interval / 2) } }
            }
            await group.waitForAll()
        }
        notifier.stopping(status: "Stopping; units keep running")
    }

    /// Follows the registry; systemd hears of it when the line has changed, a moment later: it tells everybody who
    /// listens of each new line, which is work for the machine just when it has units to start.
    private func status() async {
        var last = ""
        let (id, signals) = await registry.subscribe()
        for await _ in signals {
            do { try await clock.sleep(for: .seconds(1)) } catch { return }
            let snapshot = await registry.take(id).snapshot
            let line = await Self.line(snapshot, registry.condition, machine)
            if line != last { notifier.status(line) }
            last = line
        }
    }

    static func line(_ snapshot: Snapshot, _ condition: RegistryService.Condition, _ machine: MachineID) -> String {
        let units = snapshot.unitsByMachine[machine]?.count ?? 0
        let role = snapshot.leadership?.machine == machine ? "leading" : "following"
        switch condition {
        case .current: return "\(units) \(units == 1 ? "unit" : "units") assigned here, \(role)"
        case .unread(let reason): return "Waiting for the registry: \(reason)"
        case .stale(let since, let reason): return "\(units) units here; registry lost since \(since): \(reason)"
        case .tooNew(let reason): return reason
        }
    }

    /// A sign of life is only given after the actors that everything depends on have answered: a fleetd that hangs is
    /// restarted by systemd, and units do not notice.
    private func watch(every interval: Duration) async {
        while !Task.isCancelled {
            _ = await registry.condition
            notifier.watchdog()
            do { try await clock.sleep(for: interval) } catch { return }
        }
    }
}
