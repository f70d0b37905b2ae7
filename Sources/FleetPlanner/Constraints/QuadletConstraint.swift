import FleetModel

/// A unit that comes from a Quadlet file needs a podman that understands it and all files beside it.
///
/// Where the unit is already, a podman that the machine does not tell of, and files that have gone missing, are no
/// reason to stop it (promise P1): what runs goes on without either, and a package that is being replaced is not there
/// for a moment.
enum QuadletConstraint {
    static func reason(_ unit: Unit, on host: Host, as standing: Standing, in world: World) -> IneligibleReason? {
        guard let needed = world.snapshot.companions(of: unit) else { return nil }
        if standing == .newcomer, !needed.missing.isEmpty { return .companionsMissing(needed.missing.sorted()) }
        let need = needed.podman
        guard let podman = host.podman else { return standing == .newcomer ? .noPodman(need) : nil }
        return podman < need.version ? .oldPodman(need, found: podman) : nil
    }
}
