package import FleetModel
package import UnitFile

/// What has to be looked at again. The planner adds what depends on it.
package enum Dirty: Equatable, Sendable {
    case all
    case some(DirtyParts)

    package static let nothing = Dirty.some(DirtyParts())

    package var isNothing: Bool { self == .nothing }

    package mutating func merge(_ other: Dirty) {
        switch (self, other) {
        case (.all, _), (_, .all): self = .all
        case (.some(var parts), .some(let more)):
            parts.units.formUnion(more.units)
            parts.machines.formUnion(more.machines)
            parts.replacements = parts.replacements || more.replacements
            self = .some(parts)
        }
    }
}

package struct DirtyParts: Equatable, Sendable {
    /// Units of which anything has changed: intent, target, options, assignment, status, refusal, failure record.
    package var units: Set<UnitName> = []
    /// Machines that came, went, or have other metadata, and machines of which the set of units, or what these declare,
    /// has changed.
    package var machines: Set<MachineID> = []
    /// Which replacements count may have changed anywhere (`ReplacementOrder` looks at all units).
    package var replacements = false

    package init(units: Set<UnitName> = [], machines: Set<MachineID> = []) {
        self.units = units
        self.machines = machines
    }
}
