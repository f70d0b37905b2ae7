package import FleetModel

/// Whether a machine may have a unit: every constraint in turn, the cheap and the unchangeable first, so that the
/// reason given is the one that would remain if the others were mended.
package enum Eligibility {
    /// nil when `unit` may be on the machine.
    static func reason(_ unit: Unit, on host: Host, as standing: Standing, in world: World) -> IneligibleReason? {
        lasting(unit, on: host, as: standing, in: world)
            ?? VolumeConstraint.reason(unit, on: host, in: world)
            ?? ReplacesConstraint.reason(unit, on: host, in: world)
            ?? ConflictsConstraint.reason(unit, on: host, as: standing)
            ?? MachineOfConstraint.reason(unit, on: host, in: world)
            ?? PodConstraint.reason(unit, on: host, in: world)
    }

    /// The constraints that no other unit's place has a part in: while such a reason holds nothing that is placed or
    /// removed makes the machine eligible.
    static func lasting(_ unit: Unit, on host: Host, as standing: Standing, in world: World) -> IneligibleReason? {
        PresenceConstraint.reason(on: host)
            ?? OrdersConstraint.reason(on: host, as: standing, now: world.now)
            ?? MachineIDConstraint.reason(unit.options, on: host)
            ?? MetadataConstraint.reason(unit.options, on: host)
            ?? SystemdConstraint.reason(unit, on: host, as: standing, in: world)
            ?? QuadletConstraint.reason(unit, on: host, as: standing, in: world)
            ?? CredentialConstraint.reason(unit, on: host, as: standing, in: world)
            ?? RefusalConstraint.reason(unit.name, on: host, in: world)
    }

    /// Every machine that may not have `unit`, with the reason; a machine that is missing from the answer may. A
    /// machine that has the unit is asked whether it may keep it. `unit` need not be stored. Without
    /// `now` no deadline has passed.
    package static func explain(
        _ unit: Unit,
        in snapshot: Snapshot,
        now: Timestamp? = nil
    ) -> [MachineID: IneligibleReason] {
        explain(unit, in: World(snapshot: snapshot, index: PlanningIndex(snapshot), now: now))
    }

    static func explain(_ unit: Unit, in world: World) -> [MachineID: IneligibleReason] {
        var reasons: [MachineID: IneligibleReason] = [:]
        for slot in world.slotRange {
            let host = world.host(slot)
            let standing: Standing = host.units.contains(unit.name) ? .incumbent : .newcomer
            if let reason = reason(unit, on: host, as: standing, in: world) { reasons[host.id] = reason }
        }
        return reasons
    }
}
