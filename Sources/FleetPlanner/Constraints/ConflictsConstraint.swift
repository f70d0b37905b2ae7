import FleetModel
import UnitFile

/// `Conflicts=`: symmetric, over patterns, global units included, and never with itself. Of several units in the way
/// the one that sorts first is the reason.
enum ConflictsConstraint {
    static func reason(_ unit: Unit, on host: Host, as standing: Standing) -> IneligibleReason? {
        var found: (other: UnitName, pattern: UnitPattern, isOwn: Bool)?
        func consider(_ other: UnitName, _ pattern: UnitPattern, isOwn: Bool) {
            guard other != unit.name, standing == .newcomer || other < unit.name else { return }
            if let found {
                let old = (found.other, found.isOwn ? 0 : 1, found.pattern.description)
                if old <= (other, isOwn ? 0 : 1, pattern.description) { return }
            }
            found = (other, pattern, isOwn)
        }
        for pattern in unit.options.conflicts {
            for other in host.units where pattern.matches(other) { consider(other, pattern, isOwn: true) }
        }
        for (pattern, declarers) in host.conflicts where pattern.matches(unit.name) {
            if let other = declarers.min(excluding: unit.name) { consider(other, pattern, isOwn: false) }
        }
        return found.map {
            $0.isOwn ? .conflict(with: $0.other, pattern: $0.pattern) : .conflicted(by: $0.other, pattern: $0.pattern)
        }
    }
}

extension Set<UnitName> {
    func min(excluding name: UnitName) -> UnitName? {
        filter { $0 != name }.min()
    }
}
