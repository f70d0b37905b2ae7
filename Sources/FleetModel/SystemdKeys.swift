package import UnitFile

/// The oldest systemd that understands a unit file, and what in the file asks for it.
package struct SystemdNeed: Hashable, Sendable {
    package var version: Int
    /// Such as `RestartSteps= in [Service]`.
    package var cause: String

    package init(_ version: Int, cause: String) {
        self.version = version
        self.cause = cause
    }

    /// nil for a file that every supported systemd understands. An older one passes over a key that it does not know,
    /// with a line in its journal: the unit would run otherwise than it says.
    package init?(of file: ParsedUnitFile) {
        var most: SystemdNeed?
        for section in file.sections where !section.name.hasPrefix("X-") && !Self.isPodmans(section.name) {
            for option in section.options {
                let text = option.key + "=" + option.value
                guard let version = SystemdKeys.values[text] ?? SystemdKeys.keys[option.key],
                    version > most?.version ?? 0, !option.value.isEmpty
                else { continue }
                let what = SystemdKeys.values[text] == nil ? option.key + "=" : text
                most = SystemdNeed(version, cause: "\(what) in [\(section.name)]")
            }
        }
        guard let most else { return nil }
        self = most
    }

    /// What stands there is for podman to read, though some keys have the names of systemd's.
    private static func isPodmans(_ section: String) -> Bool {
        section == "Quadlet" || QuadletKind.allCases.contains { $0.section == section }
    }
}

/// Keys that came after systemd 252, the oldest that fleet supports: those of units that can be loaded from files, by
/// "Added in version" of systemd's manual pages up to 257.
enum SystemdKeys {
    static let keys: [String: Int] = {
        let versions: [(Int, String)] = [
            (253, "LogFilterPatterns MemoryZSwapMax OpenFile ReloadSignal StartupMemoryZSwapMax"),
            (
                254,
                """
                DelegateSubgroup ExtensionImagePolicy FileDescriptorStorePreserve ImportCredential MemoryKSM \
                MemoryPressureThresholdSec MemoryPressureWatch MountImagePolicy RestartMaxDelaySec RestartMode \
                RestartSteps RootEphemeral RootImagePolicy
                """
            ),
            (255, "PollLimitBurst PollLimitIntervalSec SetLoginEnvironment SurviveFinalKillSignal"),
            (256, "MemoryZSwapWriteback PassFileDescriptorsToExec WantsMountsFor"),
            (257, "BindLogSockets DeferReactivation ManagedOOMMemoryPressureDurationSec PrivatePIDs"),
        ]
        var found: [String: Int] = [:]
        for (version, words) in versions {
            for word in words.split(separator: " ") { found[String(word)] = version }
        }
        return found
    }()

    /// New values of older keys, as they are written.
    static let values: [String: Int] = ["Type=notify-reload": 253, "RestartMode=debug": 257]
}
