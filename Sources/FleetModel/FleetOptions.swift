package import UnitFile

/// What `[X-Fleet]` of a unit file asks for, with specifiers expanded for one unit name. `FleetSection.options(for:)`
/// makes it; where it is compared with a machine, the functions below do it, because two values may depend on the
/// machine.
package struct FleetOptions: Hashable, Sendable {
    /// What `MachineOf=`, `Conflicts=` and `Replaces=` say of units by the names of Quadlet files; see `naming(_:)`.
    package var quadlets = QuadletPeers()
    /// `MachineID=`: a full id, or its first eight digits as fleet's code accepted.
    package var machineID: MachineText?
    /// `MachineOf=`: units that must be on the same machine.
    package var machineOf: [UnitName] = []
    /// `MachineMetadata=`: for every key one of its values must be the machine's.
    package var metadata: [String: Set<MachineText>] = [:]
    /// `Conflicts=`: patterns of units that may not be on the same machine.
    package var conflicts: [UnitPattern] = []
    /// `Replaces=`: patterns of units that make room for this one.
    package var replaces: [UnitPattern] = []
    /// `Global=`: one copy on every eligible machine.
    package var isGlobal = false
    package var reschedule = ReschedulePolicy()
    /// `AtMostOnce=`: never two copies, not for a moment (promise P3).
    package var atMostOnce = false
    /// `VolumePolicy=`; nil where the file says nothing: `sticky` for the podman volumes it names.
    package var volumePolicy: VolumePolicy?
    /// `HealthCmd=`, `HealthHTTP=` or `HealthTCP=`
    package var health: HealthCheck?
    /// `Config=`, then `Secret=`, in the order of the file.
    package var credentials: [Credential] = []
    /// `Secret=` of `[Container]`, as far as fleet can deliver it: counts while the registry has a secret of the name.
    package var podmanSecrets: [CredentialName] = []
    /// `RestartOnChange=`: what becomes of the unit when one of `credentials` is set anew.
    package var onChange = ChangeResponse.nothing
    /// `PullPolicy=`; nil where the file says nothing: Quadlet's `Pull=`, or else `missing`.
    package var pullPolicy: ImagePolicy?
    /// `PullTimeoutSec=`
    package var pullTimeout = Limits.standardPullTimeout
    /// `PinImage=`: the image's tag is looked up once, when the file is stored.
    package var pinsImage = false
    /// `RegistryAuth=`: the secret that logs in to the image's registry.
    package var registryAuth: CredentialName?

    package init() {}

    /// Whether `MachineID=` allows this machine; true without that option.
    package func matchesMachineID(_ machine: MachineID, hostname: String) -> Bool {
        guard let wanted = machineID?.text(machine: machine, hostname: hostname) else { return true }
        return wanted == machine.description || wanted == machine.short
    }

    /// The first key, in the order of keys, whose value on this machine is none of those that `MachineMetadata=` asks
    /// for, with the values that would do, sorted; nil when the machine has what is asked for.
    package func unmatchedMetadata(
        machine: MachineID,
        hostname: String,
        metadata actual: [String: String]
    ) -> (key: String, wanted: [String])? {
        for (key, values) in metadata.sorted(by: { $0.key < $1.key }) {
            let wanted = values.map { $0.text(machine: machine, hostname: hostname) }
            guard let value = actual[key], wanted.contains(value) else { return (key, wanted.sorted()) }
        }
        return nil
    }

    /// The first pattern of `Conflicts=` that matches the unit; a unit never conflicts with itself, which is for the
    /// caller to leave out.
    package func conflict(with other: UnitName) -> UnitPattern? {
        conflicts.first { $0.matches(other.description) }
    }
}

/// When and how often a unit that failed is tried again.
package struct ReschedulePolicy: Hashable, Sendable {
    package enum Trigger: String, Hashable, Sendable, Codable, CaseIterable {
        /// A unit that failed for good, and a machine that was lost.
        case onFailure = "on-failure"
        /// Only a machine that was lost.
        case onMachineLoss = "on-machine-loss"
        case never
    }

    /// `Reschedule=`
    package var trigger = Trigger.onFailure
    /// `RescheduleDelaySec=`: the second try waits this long and each further one twice as long; the first is at once.
    package var delay = Duration.seconds(5)
    /// `RescheduleMaxDelaySec=`: no wait is longer.
    package var maximumDelay = Duration.seconds(300)
    /// `RescheduleLimit=`: this many failures within `limitInterval` and the unit is given up; 0 never gives up.
    package var limit = 5
    /// `RescheduleLimitIntervalSec=`
    package var limitInterval = Duration.seconds(3600)

    package init() {}
}
