import FleetModel
import UnitFile

/// `Replaces=`: a unit may be placed beside a unit that it replaces, and then that one leaves: for another machine that
/// is eligible, or for none. It does not come back to a machine that has the unit which replaces it, so nothing flaps.
///
/// A replacement counts only if the position of the unit that replaces does not in turn depend on the replaced one:
/// two units that replace each other, and longer circles of `Replaces=` and `MachineOf=`, have no place where they
/// could come to rest. `ReplacementOrder` knows.
enum ReplacesConstraint {
    static func reason(_ unit: Unit, on host: Host, in world: World) -> IneligibleReason? {
        var found: (by: UnitName, pattern: UnitPattern)?
        for (pattern, declarers) in host.replaces where pattern.matches(unit.name) {
            for by in declarers where by != unit.name && world.replaces(by, unit.name) {
                if let found, (found.by, found.pattern.description) <= (by, pattern.description) { continue }
                found = (by, pattern)
            }
        }
        return found.map { .replaced(by: $0.by, pattern: $0.pattern) }
    }

    /// The units on `host` that would have to leave it for `unit`, sorted.
    static func displaced(by unit: Unit, on host: Host, in world: World) -> [UnitName] {
        guard !unit.options.replaces.isEmpty else { return [] }
        return host.units.filter { other in
            other != unit.name && unit.options.replaces.contains { $0.matches(other) }
                && world.replaces(unit.name, other)
        }.sorted()
    }
}
