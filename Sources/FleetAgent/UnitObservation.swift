package import FleetModel
package import UnitFile

/// What systemd says of one unit at one moment, read after a signal said that something changed. Property names are
/// those of org.freedesktop.systemd1(5).
package struct UnitObservation: Hashable, Sendable {
    package var loadState: String
    package var activeState: String
    package var subState: String
    /// `Result` of a service, socket, timer...; empty for types without one.
    package var result: String
    /// `ExecMainCode` (a `CLD_` constant of waitid(2)) and `ExecMainStatus`; 0 when there was no main process.
    package var mainCode: Int32
    package var mainStatus: Int32
    package var mainPID: Int32
    /// `NRestarts`: automatic restarts since the unit was started by hand or reset; 0 for types without it.
    package var restarts: UInt32
    /// `InvocationID` in hexadecimal; empty when the unit never ran.
    package var invocation: String
    /// `StatusErrno`/`LoadError` text; empty for none.
    package var loadError: String
    /// The content hash of our installed file; nil when the file is not ours or gone.
    package var file: ContentHash?
    /// The Quadlet file that it is, with what its service was made from beside it; nil for a unit file of systemd's.
    package var quadlet: QuadletBundle?
    /// `StateChangeTimestamp`: when the unit got into its active state; nil when systemd does not know.
    package var since: Timestamp?
    /// For a unit that is installed as at-most-once: whether systemd may run it at present (`Fence`). nil for others.
    package var isAllowed: Bool?
    /// A job is queued or running for the unit.
    package var hasJob: Bool
    /// Another unit of ours that is not at rest needs this one beside it: systemd would stop that with this.
    package var isInUse: Bool
    /// Of a unit at rest: which of the volumes that it keeps to hold data, sorted; nil when that is not known.
    package var volumes: [VolumeName]?
    /// Of a unit whose run has ended: that podman had found its container unhealthy; nil when it had not.
    package var podmanVerdict: PodmanVerdict?

    package init(
        loadState: String,
        activeState: String,
        subState: String,
        result: String = "",
        mainCode: Int32 = 0,
        mainStatus: Int32 = 0,
        mainPID: Int32 = 0,
        restarts: UInt32 = 0,
        invocation: String = "",
        loadError: String = "",
        file: ContentHash? = nil,
        quadlet: QuadletBundle? = nil,
        since: Timestamp? = nil,
        isAllowed: Bool? = nil,
        hasJob: Bool = false,
        isInUse: Bool = false,
        volumes: [VolumeName]? = nil,
        podmanVerdict: PodmanVerdict? = nil
    ) {
        self.loadState = loadState
        self.activeState = activeState
        self.subState = subState
        self.result = result
        self.mainCode = mainCode
        self.mainStatus = mainStatus
        self.mainPID = mainPID
        self.restarts = restarts
        self.invocation = invocation
        self.loadError = loadError
        self.file = file
        self.quadlet = quadlet
        self.since = since
        self.isAllowed = isAllowed
        self.hasJob = hasJob
        self.isInUse = isInUse
        self.volumes = volumes
        self.podmanVerdict = podmanVerdict
    }

    /// What is installed is what `assignment` wants.
    func hasFiles(of assignment: Assignment) -> Bool { file == assignment.file && quadlet == assignment.quadlet }
}
