package import UnitFile

/// `VolumePolicy=`: what counts more, the data or that the unit runs.
package enum VolumePolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// The unit stays with its volumes.
    case sticky
    /// It goes wherever it may, and the data stay behind.
    case lose
}

/// Where the data of a volume are: the machine that a unit which sticks to it was placed on last. Stored at
/// `volumes/VOLUME` in the same transaction as that placement, and kept when the unit is gone: its data are not.
package struct VolumeHome: Hashable, Sendable, Codable {
    package var machine: MachineID
    /// The unit for which it was written.
    package var unit: UnitName
    package var since: Timestamp
    /// Another unit that keeps to the volume was there since. What is in it is then more than one unit can know, and
    /// it counts as holding data. Absent for no.
    package var isShared: Bool?

    package init(machine: MachineID, unit: UnitName, since: Timestamp, isShared: Bool? = nil) {
        self.machine = machine
        self.unit = unit
        self.since = since
        self.isShared = isShared
    }
}

/// The volumes that a machine has, as it looked last. Stored at `machines/MACHINE/volumes`, durably: what a lost
/// machine had is worth knowing.
package struct VolumeInventory: Hashable, Sendable, Codable {
    package var at: Timestamp
    package var volumes: [VolumeName: VolumeCopy]
    /// How many more the machine has than it tells of. Absent for none.
    package var omitted: Int?

    package init(at: Timestamp, volumes: [VolumeName: VolumeCopy], omitted: Int? = nil) {
        self.at = at
        self.volumes = volumes
        self.omitted = omitted
    }
}

/// The volumes that a machine finds on its disk.
package struct FoundVolumes: Hashable, Sendable {
    package var volumes: [VolumeName: VolumeCopy]
    /// How many more there are than can be told of; nil for none.
    package var omitted: Int?

    package init(_ volumes: [VolumeName: VolumeCopy] = [:], omitted: Int? = nil) {
        self.volumes = volumes
        self.omitted = omitted
    }
}

/// One volume on one machine.
package struct VolumeCopy: Hashable, Sendable, Codable {
    /// What its files take on the disk.
    package var bytes: Int64
    /// `bytes` is not all: counting ended at a limit, or something could not be read. Absent when it is.
    package var isMore: Bool?
    /// When its folder was made; nil where the file system does not tell.
    package var created: Timestamp?

    package init(bytes: Int64, isMore: Bool? = nil, created: Timestamp? = nil) {
        self.bytes = bytes
        self.isMore = isMore
        self.created = created
    }
}
