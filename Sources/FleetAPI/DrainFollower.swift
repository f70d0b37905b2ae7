package import FleetModel
import UnitFile

/// Follows machines that are drained until every unit has left them.
package struct DrainFollower: SnapshotFollower {
    /// Units last seen on each machine that is followed yet, with the reason told for staying.
    private var open: [MachineID: [UnitName: String?]]
    private var lost: Set<MachineID> = []
    private let explainer: any PlacementExplainer

    package init(_ machines: [MachineID], explainer: any PlacementExplainer) {
        open = Dictionary(machines.map { ($0, [:]) }) { first, _ in first }
        self.explainer = explainer
    }

    package var isDone: Bool { open.isEmpty }

    /// What is new in `snapshot`, by machine and unit.
    package mutating func advance(to snapshot: Snapshot) -> [MachineProgress] {
        var news: [MachineProgress] = []
        for machine in open.keys.sorted() { news += advance(machine, to: snapshot) }
        return news
    }

    private mutating func advance(_ machine: MachineID, to snapshot: Snapshot) -> [MachineProgress] {
        let summary = MachineSummary(machine, in: snapshot)
        let now = Self.units(on: machine, in: snapshot)
        var news: [MachineProgress] = []
        var known = open[machine] ?? [:]
        for unit in known.keys.filter({ !now.contains($0) }).sorted() {
            known[unit] = nil
            let place = snapshot.assignments[unit]?.keys.min()
            news.append(
                MachineProgress(
                    kind: .left,
                    machine: summary,
                    unit: unit,
                    to: place.map { MachineSummary($0, in: snapshot) },
                    message: place == nil ? explainer.blocked(unit, in: snapshot) : nil
                )
            )
        }
        for unit in now.sorted() {
            let reason = explainer.staying(unit, on: machine, in: snapshot)
            if let told = known[unit], told == reason || reason == nil { continue }
            known[unit] = .some(reason)
            guard let reason else { continue }
            news.append(MachineProgress(kind: .staying, machine: summary, unit: unit, message: reason))
        }
        open[machine] = known
        if now.isEmpty {
            open[machine] = nil
            news.append(MachineProgress(kind: .drained, machine: summary))
        } else if snapshot.machines[machine]?.orders.draining == nil {
            open[machine] = nil
            news.append(MachineProgress(kind: .ended, machine: summary, message: "the drain was ended meanwhile"))
        } else if snapshot.machines[machine]?.presence != nil {
            lost.remove(machine)
        } else if lost.insert(machine).inserted {
            news.append(MachineProgress(kind: .waiting, machine: summary, message: "the machine is lost"))
        }
        return news
    }

    /// What is assigned to the machine, and what it has not let go of yet.
    private static func units(on machine: MachineID, in snapshot: Snapshot) -> Set<UnitName> {
        (snapshot.unitsByMachine[machine] ?? []).union(
            snapshot.statuses.lazy.filter { $0.value[machine] != nil }.map(\.key)
        )
    }
}
