import FleetModel

/// Turns what systemd says of a failed run into a cause and a sentence a person understands.
enum FailureReading {
    /// The failure that a unit in the state `failed` shows. `starting` is the time since its start was asked for, when
    /// that start is what failed.
    static func failure(of observation: UnitObservation, starting: Duration?, now: Timestamp) -> UnitFailure {
        var message = sentence(for: observation, starting: starting)
        if observation.restarts == 1 { message += " after an automatic restart" }
        if observation.restarts > 1 { message += " after \(observation.restarts) automatic restarts" }
        let cause = verdict(on: observation) == nil ? cause(of: observation.result) : .unhealthy
        return UnitFailure(cause: cause, message: message, at: now)
    }

    /// The failure of a start job that left its unit inactive, by the job's result (org.freedesktop.systemd1(5),
    /// `JobRemoved`).
    static func failure(ofJob result: String, message: String, now: Timestamp) -> UnitFailure {
        switch result {
        case "dependency":
            let what = message.isEmpty ? "a unit that it requires failed to start" : message
            let text = "not started: \(what) (job result: dependency)"
            return UnitFailure(cause: .dependency, message: text, at: now)
        case "timeout":
            let text = "not started: the start job waited longer than JobTimeoutSec= (job result: timeout)"
            return UnitFailure(cause: .timeout, message: text, at: now)
        case "assert":
            let text = "not started: an assertion of the unit (Assert...=) does not hold (job result: assert)"
            return UnitFailure(cause: .other, message: text, at: now)
        default:
            let text = message.isEmpty ? "the start job ended with result \(result)" : message
            return UnitFailure(cause: .other, message: text, at: now)
        }
    }

    /// The failure of a loop that the agent ends.
    static func failure(of loop: CrashLoop.Finding, last observation: UnitObservation, now: Timestamp) -> UnitFailure {
        let rhythm = "restarted \(loop.restarts) times in \(text(for: loop.within)) and never stayed up"
        let last = observation.isAutoRestarting ? "; last: " + sentence(for: observation, starting: nil) : ""
        return UnitFailure(cause: .crashLoop, message: rhythm + last, at: now)
    }

    /// How a run that is no failure ended, such as `main process exited with status 0`; nil when nothing is known of a
    /// main process.
    static func ending(of observation: UnitObservation) -> String? {
        observation.mainCode == 0 ? nil : mainProcess(observation)
    }

    /// True when the main process was killed, as a stop does to a program that does not catch SIGTERM.
    static func wasKilled(_ observation: UnitObservation) -> Bool {
        observation.mainCode == CLD.killed || observation.mainCode == CLD.dumped
    }

    /// `750 ms`, `12 s`, `90 s`, `5 min`.
    static func text(for duration: Duration) -> String {
        let milliseconds = max(0, duration.milliseconds)
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        let seconds = (milliseconds + 500) / 1000
        return seconds < 120 ? "\(seconds) s" : "\((seconds + 30) / 60) min"
    }

    private static func cause(of result: String) -> FailureCause {
        switch FailureCause(rawValue: result) {
        // Ours, not systemd's: no `Result` may claim them.
        case .crashLoop, .unhealthy, .badUnit, .dependency, nil: .other
        case let cause?: cause
        }
    }

    /// podman's, if the container ended by that: systemd has other words for what it ended itself.
    private static func verdict(on observation: UnitObservation) -> PodmanVerdict? {
        ["exit-code", "signal", "core-dump"].contains(observation.result) ? observation.podmanVerdict : nil
    }

    private static func sentence(for observation: UnitObservation, starting: Duration?) -> String {
        let result = "(Result: \(observation.result))"
        if let verdict = verdict(on: observation) {
            return "unhealthy, and ended by podman (\(mainProcess(observation) ?? result)): \(verdict.problem)"
        }
        switch observation.result {
        case "exit-code", "signal", "core-dump":
            return mainProcess(observation) ?? "a process of the unit failed \(result)"
        case "timeout":
            if let starting { return "start timed out after \(text(for: starting)) \(result)" }
            return "a time limit of the unit was exceeded \(result)"
        case "watchdog":
            return "missed its watchdog (WatchdogSec=) and was ended \(result)"
        case "oom-kill":
            return "a process was killed because memory ran out \(result)"
        case "start-limit-hit":
            return "started too often in too short a time (StartLimitBurst=) \(result)"
        case "resources":
            return "systemd could not set up what the unit needs \(result)"
        case "protocol":
            return "the service did not keep to the protocol of its Type= \(result)"
        case "", "success":
            return "failed (SubState: \(observation.subState))"
        default:
            return "failed \(result)"
        }
    }

    /// What became of the main process; nil when it did not fail.
    private static func mainProcess(_ observation: UnitObservation) -> String? {
        let status = observation.mainStatus
        switch observation.mainCode {
        case CLD.exited:
            if status == 0 && observation.result != "success" { return nil }
            if let meaning = ExitStatus.meaning(of: status) {
                return "\(meaning) (exit status \(ExitStatus.name(of: status)))"
            }
            return "main process exited with status \(status)"
        case CLD.killed: return "main process killed by signal \(ExitStatus.signal(status))"
        case CLD.dumped: return "main process dumped core on signal \(ExitStatus.signal(status))"
        default: return nil
        }
    }

    /// `si_code` values of waitid(2), as `ExecMainCode` carries them.
    private enum CLD {
        static let exited: Int32 = 1
        static let killed: Int32 = 2
        static let dumped: Int32 = 3
    }
}
