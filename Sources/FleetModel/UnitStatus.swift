package import UnitFile

/// What a machine's systemd says of a unit, in systemd's words. Stored at `status/MACHINE/UNIT` on the machine's lease;
/// written on change only.
package struct UnitStatus: Hashable, Sendable, Codable {
    /// The file that is installed; nil while none is.
    package var file: ContentHash?
    /// The newest run the agent acted on.
    package var run: RunID?
    /// `LoadState`, `ActiveState` and `SubState` of org.freedesktop.systemd1(5), verbatim.
    package var load: String
    package var active: String
    package var sub: String
    /// Main process of a service; 0 for none.
    package var mainPID: Int32
    /// `InvocationID` in hexadecimal; empty for none.
    package var invocation: String
    /// True once the agent has done all that the run asks for: loaded, or start job finished; and when the run has
    /// failed, once the event with the journal's last lines is stored.
    package var settled: Bool
    /// Set while `run` has failed for good.
    package var failure: UnitFailure?
    /// Of a unit at rest: which of its volumes (`Assignment.volumes`) hold data here, sorted. Absent when that is not
    /// known, as it is not while the unit runs.
    package var volumes: [VolumeName]?
    /// Since when the unit is `active` as it says, by systemd's word; when the agent saw it where systemd has none.
    package var at: Timestamp
    /// How its checks went; nil for a unit that has none, or is not up.
    package var health: HealthStatus?
    /// How the pull of its image goes; nil while there is none under way.
    package var pull: PullStatus?

    package init(
        file: ContentHash?,
        run: RunID?,
        load: String,
        active: String,
        sub: String,
        mainPID: Int32 = 0,
        invocation: String = "",
        settled: Bool = false,
        failure: UnitFailure? = nil,
        volumes: [VolumeName]? = nil,
        at: Timestamp,
        health: HealthStatus? = nil,
        pull: PullStatus? = nil
    ) {
        self.file = file
        self.run = run
        self.load = load
        self.active = active
        self.sub = sub
        self.mainPID = mainPID
        self.invocation = invocation
        self.settled = settled
        self.failure = failure
        self.volumes = volumes
        self.at = at
        self.health = health
        self.pull = pull
    }

    /// Everything but the time: two statuses that differ only in `at` are the same news.
    package func saysTheSame(as other: UnitStatus) -> Bool {
        var moved = other
        moved.at = at
        return self == moved
    }
}

/// How a run failed for good: systemd has given up, or would never give up.
package struct UnitFailure: Hashable, Sendable, Codable {
    package var cause: FailureCause
    /// One sentence without a full stop, such as `main process exited with status 3 (Result: exit-code)`.
    package var message: String
    package var at: Timestamp

    package init(cause: FailureCause, message: String, at: Timestamp) {
        self.cause = cause
        self.message = message
        self.at = at
    }
}

/// What made a run fail for good. The first group is systemd's `Result` (org.freedesktop.systemd1(5)).
package enum FailureCause: String, Hashable, Sendable, Codable, CaseIterable {
    case exitCode = "exit-code"
    case signal
    case coreDump = "core-dump"
    case timeout
    case watchdog
    case oomKill = "oom-kill"
    case startLimit = "start-limit-hit"
    case resources
    case protocolViolation = "protocol"
    /// The start job failed because something that the unit requires did.
    case dependency
    /// systemd restarts the unit for ever and it never stays up; the agent stopped it.
    case crashLoop = "crash-loop"
    /// Its health check failed too often; the agent stopped it, or podman its container.
    case unhealthy
    /// Its image could not be pulled.
    case image
    /// systemd does not accept the file, or the file could not be written.
    case badUnit = "bad-unit"
    /// Anything else that systemd reported as `failed`.
    case other
}
