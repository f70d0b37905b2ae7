import FleetModel
import UnitFile

extension SystemdBus {
    /// True while systemd takes the machine down, or the container.
    package func isShuttingDown() async -> Bool {
        (try? await managerProperty("SystemState"))?.text == "stopping"
    }

    /// True when systemd says that no unit of ours has a process or is about to. What it does not say is not so: others
    /// start the units when they hear of it.
    package func isAllAtRest() async -> Bool {
        guard isConnected else { return false }
        let units = ours.keys.filter { !$0.isTemplate }.sorted()
        if units.isEmpty { return true }
        guard let listed = try? await listUnits(units) else { return false }
        return listed.values.allSatisfy { ["inactive", "failed"].contains($0.active) }
    }

    /// Whether units of a fleet are installed on this machine, running or not; readable without a connection.
    package static func hasUnits() -> Bool {
        !UnitDirectory(paths: SystemdPaths(), timing: FenceTiming(lease: .zero)).list().isEmpty
    }
}
