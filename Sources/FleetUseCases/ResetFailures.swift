import FleetModel
import UnitFile

extension ChangePlanner {
    /// Always a new generation when something is forgotten: the attempts of a run count up, and may not begin again at
    /// nought under the same generation.
    mutating func resetFailures(of name: UnitName) {
        guard let unit = stored(name) else { return }
        let hasRecord = !(snapshot.failures[name] ?? [:]).isEmpty
        guard hasRecord || snapshot.isFailing(name) else {
            effects[name] = .unchanged(unit.generation)
            return
        }
        writeTarget(of: unit, unit.target.state, .resetFailed, "failures forgotten")
    }
}
