package import FleetModel
package import UnitFile

/// Port: why units are where they are. The planner answers; the API asks through this so that it need not know it.
package protocol PlacementExplainer: Sendable {
    /// Why `unit` is on no machine although it should be on one; nil when nothing is in its way.
    func blocked(_ unit: UnitName, in snapshot: Snapshot) -> String?
    /// For every present machine that may not have `unit`: why not.
    func notEligible(_ unit: UnitName, in snapshot: Snapshot) -> [MachineID: String]
    /// Why `unit` is still on `machine`, which it should leave; nil when it is on its way or need not leave.
    func staying(_ unit: UnitName, on machine: MachineID, in snapshot: Snapshot) -> String?
}
