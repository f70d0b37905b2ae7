import FleetModel
import UnitFile

/// A unit stays with its volumes: another machine than that which has their data may have it only while that machine's
/// own word is that there are none, or when a user said that they may be lost.
///
/// Both exceptions hold of the stored home only. A volume that another unit has taken somewhere in the same plan is
/// there, and its other users follow.
enum VolumeConstraint {
    static func reason(_ unit: Unit, on host: Host, in world: World) -> IneligibleReason? {
        guard !unit.volumes.isEmpty else { return nil }
        for volume in world.snapshot.stickyVolumes(of: unit) {
            guard let home = world.home(of: volume), home != host.id else { continue }
            if world.isUnclaimed(volume) {
                if givesUp(unit.name, for: host.id, in: world.snapshot) { continue }
                if isEmpty(volume, of: unit.name, on: home, in: world) { continue }
            }
            let isLost = world.snapshot.machines[home]?.presence == nil
            return .volumeElsewhere(volume, of: unit.name, on: home, isLost: isLost)
        }
        return nil
    }

    static func givesUp(_ unit: UnitName, for machine: MachineID, in snapshot: Snapshot) -> Bool {
        snapshot.moves[unit].map { $0.to == machine && $0.losesVolumes == true } ?? false
    }

    /// Nobody else who may write into it has been there since the unit's machine said so.
    static func isEmpty(_ volume: VolumeName, of unit: UnitName, on home: MachineID, in world: World) -> Bool {
        guard world.snapshot.holdsNothing(volume, of: unit, on: home) else { return false }
        return !world.index.volumes.users(of: volume).contains { other in
            other != unit
                && (world.snapshot.assignments[other]?[home] != nil || world.snapshot.statuses[other]?[home] != nil
                    || world.machines(of: other).contains(home))
        }
    }
}
