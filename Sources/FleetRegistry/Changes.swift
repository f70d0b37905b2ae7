package import FleetModel
package import UnitFile

/// What a batch of store events touched: whoever reads the snapshot looks at just these.
package struct Changes: Hashable, Sendable {
    package var units: Set<UnitName>
    package var machines: Set<MachineID>
    /// Volumes whose homes changed.
    package var volumes: Set<VolumeName>
    package var leadership: Bool
    /// Everything may have changed: the snapshot was made from a list.
    package var all: Bool

    package init(
        units: Set<UnitName> = [],
        machines: Set<MachineID> = [],
        volumes: Set<VolumeName> = [],
        leadership: Bool = false,
        all: Bool = false
    ) {
        self.units = units
        self.machines = machines
        self.volumes = volumes
        self.leadership = leadership
        self.all = all
    }

    package var isEmpty: Bool { units.isEmpty && machines.isEmpty && volumes.isEmpty && !leadership && !all }

    package mutating func merge(_ other: Changes) {
        units.formUnion(other.units)
        machines.formUnion(other.machines)
        volumes.formUnion(other.volumes)
        leadership = leadership || other.leadership
        all = all || other.all
    }
}
