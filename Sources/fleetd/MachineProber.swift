import FleetAgent
import FleetModel
import FleetRuntime
import HealthProbes
import SystemdBus
import UnitFile

/// Makes each check where it belongs: commands by systemd, beside their unit; requests from here.
struct MachineProber: HealthProber {
    let systemd: SystemdBus
    let network: NetworkProbe

    func check(_ unit: UnitName, _ check: HealthCheck, invocation: String) async -> CheckResult {
        switch check.probe {
        case .command(let command):
            await systemd.runCheck(command, of: unit, invocation: invocation, within: check.timeout)
        case .http(let target), .tcp(let target): await network.check(target, within: check.timeout)
        }
    }
}
