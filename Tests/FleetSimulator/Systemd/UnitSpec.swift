import FleetModel
import UnitFile

/// A unit file of this world: what `[X-Fleet]` asks for, and what its program does when systemd starts it. The checks
/// read this and never what fleet made of the text.
struct UnitSpec {
    /// What the program does. What depends on luck while things go wrong always goes well afterwards.
    enum Behaviour: CaseIterable {
        case good
        /// Takes seconds to start, and seconds to stop.
        case slow
        /// Does its work and ends.
        case oneshot
        /// Each start may fail, and each run may end in a failure.
        case flaky
        /// Fails soon after every start.
        case failing
        /// Fails on the machine of this world with an even index.
        case failingOnEven
        /// systemd starts it again and again, too slowly for its own limit.
        case looping
        /// systemd starts it again until its own limit is reached.
        case limited
        /// Never says that it is ready: the start times out.
        case hanging
        /// systemd does not accept the file.
        case bad
    }

    var behaviour = Behaviour.good
    /// Exact names and patterns with one `*` at the end.
    var conflicts: [String] = []
    var replaces: [String] = []
    var machineOf: [UnitName] = []
    /// Any of these zones will do; empty: no matter.
    var zones: [String] = []
    var machineID: MachineID?
    var isGlobal = false
    var isAtMostOnce = false
    var trigger = ReschedulePolicy.Trigger.onFailure
    var delaySeconds = 2
    var longestDelaySeconds = 20
    var limit = 4
    /// It has a health check, which fails on the machines of this world with an even index if it is sick there.
    var isChecked = false
    var isSickOnEven = false
    /// The `StateDirectory=` that it keeps to, unless it leaves its data behind.
    var folder: String?
    var losesData = false
    /// Makes two files of equal meaning differ.
    var variant = 0

    func isSick(on machine: Int) -> Bool { isChecked && isSickOnEven && machine % 2 == 0 }

    /// The volume that `folder` is.
    var namedVolume: VolumeName? { folder.flatMap(VolumeName.init(state:)) }

    /// The volume that it keeps to.
    var volume: VolumeName? { losesData ? nil : namedVolume }

    /// Some of those that fail have nothing to keep before they do.
    var writesData: Bool { variant > 0 || behaviour == .good }

    var text: String {
        var lines = ["[Unit]", "Description=\(behaviour) \(variant)", "[Service]", "ExecStart=/bin/true", "[X-Fleet]"]
        if let folder { lines.insert("StateDirectory=\(folder)", at: 4) }
        if isChecked, variant == 1 { lines.insert("Restart=on-failure", at: 4) }
        if isChecked { lines += ["HealthCmd=check", "HealthIntervalSec=1s", "HealthRetries=2"] }
        if isSickOnEven { lines.append("HealthStartPeriodSec=1s") }
        lines += conflicts.map { "Conflicts=\($0)" } + replaces.map { "Replaces=\($0)" }
        lines += machineOf.map { "MachineOf=\($0)" } + zones.map { "MachineMetadata=zone=\($0)" }
        if let machineID { lines.append("MachineID=\(machineID)") }
        if isGlobal { lines.append("Global=true") }
        if isAtMostOnce { lines.append("AtMostOnce=true") }
        if folder != nil { lines.append("VolumePolicy=\(losesData ? "lose" : "sticky")") }
        lines += [
            "Reschedule=\(trigger.rawValue)", "RescheduleDelaySec=\(delaySeconds)",
            "RescheduleMaxDelaySec=\(longestDelaySeconds)", "RescheduleLimit=\(limit)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
