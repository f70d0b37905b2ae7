/// The stored memory of the reschedule policy: which runs failed, and what was decided. Stored at `failures/UNIT` for
/// an ordinary unit and at `failures/UNIT/MACHINE` for a global one, so that neither a crash nor a new leader forgets
/// it.
package struct FailureRecord: Hashable, Sendable, Codable {
    /// The newest failures, oldest first; at most `Limits.recentFailures`.
    package var recent: [FailedRun]
    /// Failures since a user last asked for this unit; the attempt number of the next run.
    package var count: Int
    package var verdict: RescheduleVerdict

    package init(recent: [FailedRun], count: Int, verdict: RescheduleVerdict) {
        self.recent = recent
        self.count = count
        self.verdict = verdict
    }
}

/// One run that failed for good.
package struct FailedRun: Hashable, Sendable, Codable {
    package var machine: MachineID
    package var run: RunID
    package var failure: UnitFailure

    package init(machine: MachineID, run: RunID, failure: UnitFailure) {
        self.machine = machine
        self.run = run
        self.failure = failure
    }
}

/// What the reschedule policy decided after the newest failure.
package enum RescheduleVerdict: Hashable, Sendable, Codable {
    /// Try again at this time or later, on the best eligible machine.
    case retry(at: Timestamp)
    /// Not tried again until a user asks; the text says why.
    case givenUp(reason: String)
}

/// Whose failures a record counts.
package enum FailureScope: Hashable, Sendable {
    /// An ordinary unit: wherever it ran.
    case fleet
    /// A global unit on one machine.
    case machine(MachineID)
}
