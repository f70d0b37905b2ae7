import FleetAgent
import FleetModel
import Logging
import UnitFile

/// The services that fleet has systemd run for it.
extension SystemdBus {
    /// Ends a transient service, waits until nothing of it is left, and has systemd forget it.
    func end(transient name: String) async {
        do {
            _ = try await runJob("StopUnit") { writer throws(SystemdBusError) in
                try writer.string(name)
                try writer.string("replace")
            }
            try await resetFailed(name)
        } catch let error as SystemdBusError where error.isNoSuchUnit {
            // systemd has forgotten it already.
        } catch {
            log.info("systemd: \(name): \(error)")
        }
    }

    private static let patterns = [CheckUnit.pattern, PullUnitName.pattern, ReloadUnitName.pattern]

    /// Forgets the failed ones that an earlier fleetd has left.
    func forgetOldServices() async {
        do {
            let old = try await listUnits(in: ["failed"], matching: Self.patterns)
            for unit in old { try await resetFailed(unit.name) }
        } catch {
            log.info("systemd: old services of fleet: \(error)")
        }
    }
}
