import FleetModel

/// How systemd says that a check failed.
struct CheckEnding: Hashable, Sendable {
    /// `Result`, `ExecMainCode` and `ExecMainStatus` of the check's service.
    var result = ""
    var code: Int64 = 0
    var status: Int64 = 0

    /// What systemd itself ends a process with that it cannot prepare (systemd.exec(5), "Process Exit Codes"): no
    /// shell, no nsenter, no such user.
    private static let ownStatuses: ClosedRange<Int64> = 200...243

    /// Why the command was not run at all: a full machine, say, which is no fault of the unit's.
    var obstacle: String? {
        if ["timeout", "oom-kill"].contains(result) { return nil }
        if code == 0 { return "systemd could not run it (Result: \(result))" }
        guard hasExited, Self.ownStatuses.contains(status) else { return nil }
        return "systemd could not run it (exit status \(status), see systemd.exec(5))"
    }

    /// How it went, with the end of what it printed.
    func sentence(_ output: String, within timeout: Duration) -> String {
        let how: String
        switch result {
        case "timeout": how = "no answer within \(TimeSpan.format(timeout))"
        case "oom-kill": how = "ran out of memory (more than \(CheckLimits.memoryBytes >> 20) MiB)"
        case _ where hasExited: how = "exit status \(status)"
        default: how = "killed by signal \(status)"
        }
        let text = HealthOutput.text(output)
        return text.isEmpty ? how : "\(how): \(text)"
    }

    /// `CLD_EXITED` of waitid(2); the others are signals.
    private var hasExited: Bool { code == 1 }
}
