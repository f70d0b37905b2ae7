import FleetAPI
package import FleetModel
import FleetPlanner
import Synchronization
package import UnitFile

/// Answers the API's "why" with what the planner would decide. Keeps the newest explanation, because a listing asks for
/// every unit of one snapshot.
package final class PlannerExplainer: PlacementExplainer {
    private let clock: any WallClock
    private let newest = Mutex<Explanation?>(nil)

    package init(clock: any WallClock) { self.clock = clock }

    package func blocked(_ unit: UnitName, in snapshot: Snapshot) -> String? {
        explanation(of: snapshot).blocked(unit)?.description
    }

    package func notEligible(_ unit: UnitName, in snapshot: Snapshot) -> [MachineID: String] {
        explanation(of: snapshot).notEligible(unit).mapValues(\.description)
    }

    package func staying(_ unit: UnitName, on machine: MachineID, in snapshot: Snapshot) -> String? {
        explanation(of: snapshot).staying(unit, on: machine)?.description
    }

    /// Lets go of the newest explanation, and with it of the snapshot that it explains.
    package func forget() { newest.withLock { $0 = nil } }

    private func explanation(of snapshot: Snapshot) -> Explanation {
        newest.withLock { newest in
            if let newest, newest.revision == snapshot.revision { return newest }
            let explanation = Explanation(of: snapshot, now: clock.now())
            newest = explanation
            return explanation
        }
    }
}
