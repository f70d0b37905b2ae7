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
    case config = "Config"
    case secret = "Secret"
    case restartOnChange = "RestartOnChange"

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
            .rescheduleLimit, .rescheduleLimitInterval, .atMostOnce, .config, .secret, .restartOnChange:
            false
        }
    }

    /// The keys whose value may differ from machine to machine.
    var takesMachineSpecifiers: Bool { self == .machineID || self == .machineMetadata }
}
