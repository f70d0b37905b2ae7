import FleetModel
import UnitFile

/// The units of a pod are on one machine: one of them, the pod's anchor, goes where it may, and the others are where it
/// is. Each machine would have a pod of its own otherwise, of containers that cannot reach each other.
enum PodConstraint {
    static func reason(_ unit: Unit, on host: Host, in world: World) -> IneligibleReason? {
        guard let pod = unit.pod, let anchor = world.anchor(of: pod, for: unit.name), anchor != unit.name,
            !host.units.contains(anchor)
        else { return nil }
        return .podElsewhere(pod, with: anchor, world.machines(of: anchor))
    }
}

extension World {
    /// Whom the units of the pod follow; nil while none of them is on a machine that is present. `unit` asks, and
    /// counts where the registry or its data are too: one that is tried elsewhere takes the others along.
    ///
    /// Whose data are somewhere cannot follow the others. Of the rest, who is well stays and who has failed goes there;
    /// who has a machine goes before who has none.
    func anchor(of pod: QuadletName, for unit: UnitName) -> UnitName? {
        var best: (rank: [Int], name: UnitName)?
        for name in (index.pods[pod] ?? []).sorted() {
            let known = (snapshot.assignments[name] ?? [:]).filter { snapshot.machines[$0.key]?.presence != nil }
            let hasData = index.volumes.volumes(of: name).contains { snapshot.volumeHomes[$0] != nil }
            let counts = slots(of: name).contains(where: isPresent) || (name == unit && (hasData || !known.isEmpty))
            guard counts else { continue }
            let hasFailed = known.contains { machine, assignment in
                guard let status = snapshot.statuses[name]?[machine], status.failure != nil else { return false }
                return status.run == assignment.run
            }
            let rank = [hasData ? 0 : 1, hasFailed ? 1 : 0, known.isEmpty ? 1 : 0]
            if let best, !rank.lexicographicallyPrecedes(best.rank) { continue }
            best = (rank, name)
        }
        return best?.name
    }
}
