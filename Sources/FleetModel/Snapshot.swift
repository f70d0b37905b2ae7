package import UnitFile

/// The whole fleet at one revision of the registry: everything the planner and the API read. A value: comparing two
/// snapshots, printing one, or planning twice from the same one needs nothing else.
///
/// `FleetRegistry.SnapshotFeed` is the only writer; it keeps the indexes in step.
package struct Snapshot: Equatable, Sendable {
    package var revision: Revision
    package var units: [UnitName: Unit]
    package var machines: [MachineID: Machine]
    package var assignments: [UnitName: [MachineID: Assignment]]
    /// Index over `assignments`.
    package var unitsByMachine: [MachineID: Set<UnitName>]
    package var statuses: [UnitName: [MachineID: UnitStatus]]
    package var refusals: [UnitName: [MachineID: Refusal]]
    package var failures: [UnitName: [FailureScope: FailureRecord]]
    /// Moves that users have asked for and that are not made yet.
    package var moves: [UnitName: MoveWish]
    /// Where the data of volumes are.
    package var volumeHomes: [VolumeName: VolumeHome]
    /// What machines have of volumes, lost ones included.
    package var inventories: [MachineID: VolumeInventory]
    /// The images that machines have, by their full names.
    package var images: [MachineID: Set<ImageName>]
    /// All configs and secrets, without their content.
    package var credentials: [CredentialID: CredentialRecord]
    /// Absent while no machine that has units is lost.
    package var brake: BrakeRecord?
    package var leadership: Leadership?
    /// Index over `units`: which of them have this file.
    package var unitsByFile: [ContentHash: Set<UnitName>]
    /// Index over `units`, those that cannot be read included: which of them come from this Quadlet file; one, unless
    /// something went wrong.
    package var unitsBySource: [QuadletName: Set<UnitName>]
    /// The stored events of each unit, oldest first.
    package var eventIDs: [UnitName: [EventID]]

    // The revision at which each stored object was changed last, for writes that depend on it. Absent: it is not
    // stored.

    package var unitRevisions: [UnitName: Revision]
    package var targetRevisions: [UnitName: Revision]
    package var assignmentRevisions: [UnitName: [MachineID: Revision]]
    package var failureRevisions: [UnitName: [FailureScope: Revision]]
    package var labelRevisions: [MachineID: Revision]
    package var orderRevisions: [MachineID: Revision]
    package var moveRevisions: [UnitName: Revision]
    package var volumeRevisions: [VolumeName: Revision]
    package var brakeRevision: Revision?
    package var fileRevisions: [ContentHash: Revision]
    package var credentialRevisions: [CredentialID: Revision]
    package var blobRevisions: [ContentHash: Revision]

    package init() {
        revision = .zero
        units = [:]
        machines = [:]
        assignments = [:]
        unitsByMachine = [:]
        statuses = [:]
        refusals = [:]
        failures = [:]
        moves = [:]
        volumeHomes = [:]
        inventories = [:]
        images = [:]
        credentials = [:]
        brake = nil
        leadership = nil
        unitsByFile = [:]
        unitsBySource = [:]
        eventIDs = [:]
        unitRevisions = [:]
        targetRevisions = [:]
        assignmentRevisions = [:]
        failureRevisions = [:]
        labelRevisions = [:]
        orderRevisions = [:]
        moveRevisions = [:]
        volumeRevisions = [:]
        brakeRevision = nil
        fileRevisions = [:]
        credentialRevisions = [:]
        blobRevisions = [:]
    }

    /// The unit that comes from this Quadlet file, whether it can be read or not.
    package func unit(from source: QuadletName) -> UnitName? { unitsBySource[source]?.min() }

    /// Machines that are present, in the order of their ids.
    package var presentMachines: [Machine] {
        machines.values.filter { $0.presence != nil }.sorted { $0.id < $1.id }
    }
}

/// Who leads. Stored at `leader` on the leader's lease.
package struct Leadership: Hashable, Sendable {
    package var machine: MachineID
    package var epoch: Epoch
    package var since: Timestamp

    package init(machine: MachineID, epoch: Epoch, since: Timestamp) {
        self.machine = machine
        self.epoch = epoch
        self.since = since
    }
}
