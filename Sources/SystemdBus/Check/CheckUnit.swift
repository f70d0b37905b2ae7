import FleetAgent
import FleetModel
import Glibc
import UnitFile

/// The transient service that runs one `HealthCmd=`. systemd runs it, not fleetd, which has no capabilities; and
/// systemd ends all of it in time, however it forks.
struct CheckUnit {
    /// Every such service, for `ListUnitsByPatterns`.
    static let pattern = "fleet-health-*.service"

    let unit: UnitName
    let command: String
    let timeout: Duration
    let facts: CheckFacts

    static func name(for unit: UnitName) -> String { OwnUnitName.name("fleet-health-", for: unit) }

    /// In the namespaces of the main process, with its root, working directory and user; as the unit's user alone when
    /// there is none.
    var arguments: [String] {
        let shell = ["/bin/sh", "-c", command]
        guard facts.mainPID > 0 else { return shell }
        var enter = ["/usr/bin/nsenter", "--target", String(facts.mainPID), "--all", "--root", "--wd"]
        if let user = facts.user { enter += ["--setuid", String(user)] }
        if let group = facts.group { enter += ["--setgid", String(group)] }
        return enter + ["--"] + shell
    }

    /// The arguments of `StartTransientUnit`. `output` is where it prints to.
    func write(to writer: BusWriter, output: Int32) throws(SystemdBusError) {
        // `fail`: no check may undo what systemd has been asked for, the fence's coming down least of all.
        try writer.transientUnit(Self.name(for: unit), mode: "fail") { () throws(SystemdBusError) in
            try writeService(to: writer)
            try writeLimits(to: writer)
            try writer.output(output)
        }
    }

    private func writeService(to writer: BusWriter) throws(SystemdBusError) {
        try writer.property("Description", text: "Fleet: health check of \(unit)")
        try writer.command(arguments)
        try writer.property("Environment", texts: ["FLEET_UNIT=\(unit)"])
        if facts.mainPID == 0 {
            if let user = facts.user { try writer.property("User", text: String(user)) }
            if let group = facts.group { try writer.property("Group", text: String(group)) }
        }
        // The check is gone before the unit is: a stop of the unit stops it first. It begins after what systemd does
        // with the unit already, a reload say, for which systemd has limits of its own.
        for name in ["StopPropagatedFrom", "After"] { try writer.property(name, texts: [unit.description]) }
        // A stop that comes from a conflict is not passed on since systemd 254 (systemd#38480), so the fence's has to
        // be said here as it is said in the unit (`AtMostOnceDropIn`).
        if facts.isFenced {
            for name in ["Conflicts", "Before"] { try writer.property(name, texts: [AtMostOnceDropIn.fence]) }
        }
        // Neither systemd's "Starting" and "Finished" nor the failure: what the check said is in the unit's status.
        try writer.property("LogLevelMax", "i") { () throws(SystemdBusError) in try writer.int(0) }
    }

    private func writeLimits(to writer: BusWriter) throws(SystemdBusError) {
        if !facts.slice.isEmpty { try writer.property("Slice", text: facts.slice) }
        try writer.property("TasksMax", number: CheckLimits.tasks)
        try writer.property("MemoryMax", number: CheckLimits.memoryBytes)
        try writer.property("MemorySwapMax", number: 0)
        try writer.property("TimeoutStartUSec", span: timeout)
        try writer.property("KillSignal", "i") { () throws(SystemdBusError) in try writer.int(SIGKILL) }
        try writer.property("TimeoutStopUSec", span: CheckLimits.stop)
    }
}

/// What systemd says of the unit that is to be checked.
struct CheckFacts: Hashable, Sendable {
    var mainPID: Int32 = 0
    /// nil for root.
    var user: UInt32?
    var group: UInt32?
    var slice = ""
    /// The fence stops the unit (`AtMostOnce=`).
    var isFenced = false
}

/// What one check may use: enough for a curl or a small script, and never enough to hurt the unit or the machine.
enum CheckLimits {
    static let tasks: UInt64 = 64
    static let memoryBytes: UInt64 = 256 << 20
    /// A check that has to end is killed, and the unit's own stop waits for it no longer than this: it is a part of
    /// what `FenceTiming.margin` pays for.
    static let stop = Duration.milliseconds(100)
}
