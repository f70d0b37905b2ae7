/// The keys of `[X-Fleet]`.
enum FleetKey: String, CaseIterable, Sendable {
    case machineID = "MachineID"
    case machineOf = "MachineOf"
    case machineMetadata = "MachineMetadata"
    case conflicts = "Conflicts"
    case replaces = "Replaces"
    case global = "Global"
    case reschedule = "Reschedule"
    case rescheduleDelay = "RescheduleDelaySec"
    case rescheduleMaxDelay = "RescheduleMaxDelaySec"
    case rescheduleLimit = "RescheduleLimit"
    case rescheduleLimitInterval = "RescheduleLimitIntervalSec"
    case atMostOnce = "AtMostOnce"
    case volumePolicy = "VolumePolicy"
    case healthCmd = "HealthCmd"
    case healthHTTP = "HealthHTTP"
    case healthTCP = "HealthTCP"
    case healthInterval = "HealthIntervalSec"
    case healthTimeout = "HealthTimeoutSec"
    case healthRetries = "HealthRetries"
    case healthStartPeriod = "HealthStartPeriodSec"
    case config = "Config"
    case secret = "Secret"
    case restartOnChange = "RestartOnChange"
    case pullPolicy = "PullPolicy"
    case pullTimeout = "PullTimeoutSec"
    case pinImage = "PinImage"
    case registryAuth = "RegistryAuth"

    /// fleet's names from before version 0.8, which it went on reading. A boot id was a machine's id then.
    static let deprecated: [String: FleetKey] = [
        "X-ConditionMachineID": .machineID,
        "X-ConditionMachineBootID": .machineID,
        "X-ConditionMachineOf": .machineOf,
        "X-ConditionMachineMetadata": .machineMetadata,
        "X-Conflicts": .conflicts,
    ]

    init?(_ text: String) {
        guard let key = FleetKey(rawValue: text) ?? Self.deprecated[text] else { return nil }
        self = key
    }

    /// The keys whose values are lists of unit names or patterns, so that white space separates.
    var separatesOnSpace: Bool {
        switch self {
        case .machineOf, .conflicts, .replaces: true
        case .machineID, .machineMetadata, .global, .reschedule, .rescheduleDelay, .rescheduleMaxDelay,
            .rescheduleLimit, .rescheduleLimitInterval, .atMostOnce, .volumePolicy, .healthCmd, .healthHTTP, .healthTCP,
            .healthInterval, .healthTimeout, .healthRetries, .healthStartPeriod, .config, .secret, .restartOnChange,
            .pullPolicy, .pullTimeout, .pinImage, .registryAuth:
            false
        }
    }

    /// The keys whose quotes are for somebody else to read.
    var keepsQuotes: Bool { self == .healthCmd }

    /// The keys whose value may differ from machine to machine.
    var takesMachineSpecifiers: Bool { self == .machineID || self == .machineMetadata }
}
