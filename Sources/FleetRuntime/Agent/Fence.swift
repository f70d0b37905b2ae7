package import FleetAgent
package import UnitFile

/// Port: what systemd does for `AtMostOnce=` units whatever becomes of fleetd (promise P3). `SystemdFence` is the real
/// one.
///
/// systemd starts such a unit only while it is allowed. When the fence comes down, all that is allowed is forbidden at
/// one stroke, then stopped. Times are those of `WallClock.elapsed`.
package protocol Fence: Sendable {
    /// What is allowed at present, and was by an earlier fleetd.
    func inherited() async -> Set<UnitName>

    /// Has the fence come down at `deadline`, in place of the time it was armed for before. `fired`: it came down since
    /// it was armed last; it is not armed now.
    func arm(deadline: Duration) async -> FenceAnswer

    /// The fence does not come down.
    func disarm() async

    /// Allows the unit. `fired`: the fence has come down since it was armed, and nothing is allowed.
    func allow(_ unit: UnitName) async -> FenceAnswer

    /// Forbids the units and ends all their processes at once, without a stop.
    func kill(_ units: [UnitName]) async

    /// Takes that back. The unit is not stopped.
    func forbid(_ unit: UnitName) async
}
