package import FleetModel
package import UnitFile

/// One call on the local systemd, as the agent's core asks for it. The executor (`UnitManager` in FleetRuntime) chooses
/// nothing; every operation may be repeated safely.
package enum UnitOperation: Hashable, Sendable {
    /// Write these unit files and make systemd know them. One operation for all units that are due at the same time,
    /// because systemd refreshes its cache of unit paths once per change of the directory.
    case install([UnitInstallation])
    /// Start and wait for the start job's result.
    case start(UnitName)
    /// Stop and start in one job (systemd's `RestartUnit`), waiting for its result.
    case restart(UnitName)
    /// Put what the configs and secrets of these names are now in place of what the unit was started with, then have
    /// systemd reload it (`ReloadUnit`), waiting for the job's result.
    case reload(UnitName, [CredentialName])
    /// Stop and wait until systemd is done, so that `ExecStop=` runs while the unit is there.
    case stop(UnitName)
    /// Disable, forget a failed state, remove the file. The unit is stopped before.
    case remove(UnitName)
    /// Forget a failed state and the start-limit counter (`ResetFailedUnit`).
    case resetFailed(UnitName)
    /// Look whether the machine has units of these names from elsewhere, without touching anything: `done` when a name
    /// is free, `nameTaken` otherwise.
    case probe([UnitName])

    /// The units that this operation keeps busy.
    package var units: [UnitName] {
        switch self {
        case .install(let installations): installations.map(\.unit)
        case .start(let unit), .restart(let unit), .stop(let unit), .remove(let unit), .resetFailed(let unit),
            .reload(let unit, _):
            [unit]
        case .probe(let units): units
        }
    }
}

/// A unit file to install.
package struct UnitInstallation: Hashable, Sendable {
    package var unit: UnitName
    package var file: ContentHash
    /// systemd is to start it only while it is allowed, and to stop it when the fence comes down.
    package var atMostOnce: Bool
    /// It is started next, and systemd reads the file then. A unit that is not is read at once, so that it is known
    /// whether systemd accepts it.
    package var startsNext: Bool
    /// The file is a Quadlet file: the service that the machine's podman makes of it is what systemd gets.
    package var quadlet: QuadletBundle?
    /// What systemd is to ask fleetd for whenever it starts the unit.
    package var credentials: [Credential]
    /// The image that fleet sees to, so that podman need not.
    package var image: ImagePull?

    package init(
        unit: UnitName,
        file: ContentHash,
        quadlet: QuadletBundle? = nil,
        atMostOnce: Bool = false,
        credentials: [Credential] = [],
        image: ImagePull? = nil,
        startsNext: Bool = false
    ) {
        self.unit = unit
        self.file = file
        self.quadlet = quadlet
        self.atMostOnce = atMostOnce
        self.credentials = credentials
        self.image = image
        self.startsNext = startsNext
    }

    /// Every file whose text is needed.
    package var files: Set<ContentHash> { Set(quadlet?.companions.values.map { $0 } ?? []).union([file]) }
}

/// Names one operation in flight.
package typealias OperationID = Int

/// What became of an operation for one unit.
package enum OperationResult: Hashable, Sendable {
    /// Done. For a job: result `done`, or `skipped` (a condition of the unit did not hold; systemd counts that as
    /// success).
    case done
    /// systemd said no, or its job ended otherwise than `done`: `failed`, `timeout`, `dependency`, `canceled`...
    case failed(OperationFailure)
    /// The machine has a unit of this name from elsewhere; nothing was touched.
    case nameTaken(path: String)
    /// The connection to systemd was lost before the outcome was known. The next listing tells.
    case unknown
}

extension OperationResult {
    /// D-Bus errors that say nothing about the unit: the same call may succeed later.
    package static let passingErrors: Set<String> = [
        // The machine is going down, or a job that may not be replaced is in the way.
        "org.freedesktop.systemd1.TransactionIsDestructive",
        "org.freedesktop.systemd1.ShuttingDown",
        "org.freedesktop.DBus.Error.NoReply",
        "org.freedesktop.DBus.Error.Timeout",
        "org.freedesktop.DBus.Error.TimedOut",
        "org.freedesktop.DBus.Error.Disconnected",
        "org.freedesktop.DBus.Error.LimitsExceeded",
    ]
    /// D-Bus errors that mean systemd has no usable unit of that name.
    package static let badUnitErrors: Set<String> = [
        "org.freedesktop.systemd1.NoSuchUnit",
        "org.freedesktop.systemd1.LoadFailed",
        "org.freedesktop.systemd1.BadUnitSetting",
        "org.freedesktop.systemd1.UnitMasked",
    ]
}

/// Why an operation failed.
package struct OperationFailure: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// systemd does not accept the file (`LoadState` bad-setting, error, masked...), or writing it failed.
        case badUnit
        /// The job's result as systemd names it, such as `failed`, `timeout`, `dependency`, `canceled`.
        case job(result: String)
        /// A D-Bus error.
        case bus(name: String)
        /// The unit's configs and secrets cannot be had at present.
        case credentials
    }

    package var kind: Kind
    /// One sentence without a full stop.
    package var message: String

    /// It says nothing about the unit: the same call may succeed later.
    var isPassing: Bool {
        switch kind {
        case .bus(let name): OperationResult.passingErrors.contains(name)
        case .credentials: true
        case .badUnit, .job: false
        }
    }

    package init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }
}
