import FleetModel

/// A unit goes where systemd understands all that its file says. What runs already goes on.
enum SystemdConstraint {
    static func reason(_ unit: Unit, on host: Host, as standing: Standing) -> IneligibleReason? {
        guard let need = unit.systemd, let found = host.systemd, standing == .newcomer, found < need.version else {
            return nil
        }
        return .oldSystemd(need, found: found)
    }
}
