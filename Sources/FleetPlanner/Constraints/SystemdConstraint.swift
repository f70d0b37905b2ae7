import FleetModel

/// A unit goes where systemd understands all that its file says, and the files beside it. What runs already goes on,
/// for as long as it has the texts that it runs from: with another one it would come anew.
enum SystemdConstraint {
    static func reason(_ unit: Unit, on host: Host, as standing: Standing, in world: World) -> IneligibleReason? {
        // Most units ask for nothing, and are asked about on every machine.
        guard let found = host.systemd, unit.systemd != nil || unit.quadlet?.references.isEmpty == false else {
            return nil
        }
        let needed = world.snapshot.companions(of: unit)
        guard let need = needed?.systemd ?? unit.systemd, found < need.version else { return nil }
        if standing == .incumbent, let assignment = world.snapshot.assignments[unit.name]?[host.id],
            assignment.file == unit.intent.file, world.snapshot.isSame(assignment.quadlet, needed)
        {
            return nil
        }
        return .oldSystemd(need, found: found)
    }
}

extension Snapshot {
    /// Whether the files beside the unit's have the texts that the assignment has; what has gone missing keeps its.
    fileprivate func isSame(_ bundle: QuadletBundle?, _ needed: Companions?) -> Bool {
        (needed?.units ?? [:]).allSatisfy { name, unit in bundle?.companions[name] == units[unit]?.intent.file }
    }
}
