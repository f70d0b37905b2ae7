package import FleetAgent
package import FleetModel
package import UnitFile

/// Port: makes health checks. Returns within the check's timeout and a little more, whatever is checked; several may be
/// under way at once, of one unit never more than one. A command runs only while the unit is up with `invocation`.
package protocol HealthProber: Sendable {
    func check(_ unit: UnitName, _ check: HealthCheck, invocation: String) async -> CheckResult
}
