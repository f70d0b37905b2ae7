import FleetModel
import UnitFile

extension SystemdBus {
    /// True while systemd takes the machine down, or the container.
    package func isShuttingDown() async -> Bool {
        (try? await managerProperty("SystemState"))?.text == "stopping"
    }

    /// True when no unit of ours has a process or is about to; also when systemd does not answer any more.
    package func isAllAtRest() async -> Bool {
        let units = ours.keys.filter { !$0.isTemplate }.sorted()
        guard !units.isEmpty, let listed = try? await listUnits(units) else { return true }
        return listed.values.allSatisfy { ["inactive", "failed"].contains($0.active) }
    }

    /// Whether units of a fleet are installed on this machine, running or not; readable without a connection.
    package static func hasUnits() -> Bool {
        !UnitDirectory(paths: SystemdPaths(), timing: FenceTiming(lease: .zero)).list().isEmpty
    }
}
