import FleetModel
import UnitFile

/// An agent that said it cannot take a unit is believed until it withdraws that.
enum RefusalConstraint {
    static func reason(_ unit: UnitName, on host: Host, in world: World) -> IneligibleReason? {
        guard let refusal = world.snapshot.refusals[unit]?[host.id] else { return nil }
        return .refused(refusal.reason)
    }
}
