package import FleetModel

/// When more than half of the machines vanish at once, the likelier story is a cut network or a dark room, and moving
/// everything onto the rest would do more harm than waiting. Then nothing is moved off the lost machines until they are
/// back or an operator says otherwise.
///
/// The brake takes hold when at least two machines were lost within a minute, they are more than those left, and one of
/// them has units still.
/// It ends when they are no longer more than those that are left, when none of them has units any more, or when it is
/// released. A fleet of two that loses one, or of four that loses two, is not braked.
package enum Brake {
    /// Losses count together within this time. The leases of machines that vanish at one moment end within one interval
    /// of their renewal, about 3 s; a power cut takes a room down in longer than that.
    package static let window = Duration.seconds(60)
    /// One machine is never a brake.
    package static let fewestMachines = 2

    /// What should be stored now. Equal to what is stored almost always.
    package static func next(_ snapshot: Snapshot, now: Timestamp) -> BrakeRecord {
        let old = snapshot.brake ?? BrakeRecord()
        func isPresent(_ machine: MachineID) -> Bool { snapshot.machines[machine]?.presence != nil }
        func hasUnits(_ machine: MachineID) -> Bool { snapshot.unitsByMachine[machine]?.isEmpty == false }
        var next = old
        next.lost = old.lost.filter { machine, at in
            // A machine whose units have moved counts for a while: the next one may follow it.
            !isPresent(machine) && (hasUnits(machine) || old.since != nil || now.since(at) < window)
        }
        for machine in snapshot.unitsByMachine.keys where !isPresent(machine) && hasUnits(machine) {
            if next.lost[machine] == nil { next.lost[machine] = now }
        }
        next.released = old.released.filter { next.lost[$0] != nil }
        let unreleased = next.unreleased
        let left = snapshot.machines.values.count { $0.presence != nil }
        if old.since == nil {
            let together = unreleased.count { next.lost[$0].map { now.since($0) < window } ?? false }
            if together >= fewestMachines, together > left, unreleased.contains(where: hasUnits) { next.since = now }
        } else if unreleased.count <= left || !unreleased.contains(where: hasUnits) {
            next.since = nil
        }
        return next
    }
}
