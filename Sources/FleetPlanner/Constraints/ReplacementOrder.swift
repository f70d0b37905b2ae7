import FleetModel
import UnitFile

/// Which of the declared replacements count.
///
/// The position of a unit depends on the units it is `MachineOf=`, on those of its pod, and on the units that replace
/// it. "X replaces Y" counts unless X depends on Y in this sense, over any number of steps. What counts is therefore
/// free of circles (apart from circles of `MachineOf=` alone, in which nothing is ever placed, and of pods, in which
/// one goes first), and planning ends: a unit is sent away only because of units above it, so by induction finitely
/// often.
///
/// Declarations of all stored units count, whatever their target state, so that starting or stopping a unit does not
/// change which replacements count elsewhere.
enum ReplacementOrder {
    /// Whether `X=by` replaces `Y=unit`; the declaration itself has been checked.
    static func counts(_ by: UnitName, over unit: UnitName, in snapshot: Snapshot, _ index: PlanningIndex) -> Bool {
        var reached: Set<UnitName> = [by]
        var open = [by]
        while let next = open.popLast() {
            if next == unit { return false }
            var dependencies = snapshot.units[next]?.options.machineOf ?? []
            if let pod = index.relations(of: next).pod { dependencies += index.pods[pod] ?? [] }
            for replacer in index.replacers where replacer != next {
                guard let patterns = snapshot.units[replacer]?.options.replaces else { continue }
                if patterns.contains(where: { $0.matches(next) }) { dependencies.append(replacer) }
            }
            open += dependencies.filter { reached.insert($0).inserted }
        }
        return true
    }
}
