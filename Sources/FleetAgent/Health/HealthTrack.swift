import FleetModel

/// How the checks of one invocation of a unit go.
///
/// The first check comes as soon as the unit is up. Until one has succeeded they come more often than the interval, so
/// that readiness is seen soon; but they count no faster than the interval says: a unit that needs a minute to come up
/// has the same minute as with a slow check. Failures in the start period do not count at all, and the first success
/// ends it.
struct HealthTrack: Hashable, Sendable {
    let check: HealthCheck
    let invocation: String
    /// What is worth telling.
    private(set) var told: HealthStatus
    /// What the newest failure said.
    private(set) var output = ""
    private(set) var flight: Flight?
    /// When the next check is due, unless one is in flight.
    private(set) var due: Timestamp
    /// Since when every check has succeeded; nil while the newest has not.
    private(set) var healthySince: Timestamp?
    private var failures = 0
    private var hasSucceeded = false
    /// Checks that have said why the state is still `starting`.
    private var reasons = 0
    /// When the checks began.
    private var began: Timestamp
    /// When `due` was decided.
    private var planned: Timestamp
    /// Until one has succeeded, a failure counts an interval after this.
    private var counted: Timestamp

    struct Flight: Hashable, Sendable {
        var id: CheckID
        var since: Timestamp
    }

    /// `up`: since when the unit is up. One that has been for long, which a restarted fleetd finds, has no start
    /// period any more.
    init(_ check: HealthCheck, invocation: String, up: Timestamp?, now: Timestamp) {
        self.check = check
        self.invocation = invocation
        told = HealthStatus(state: .starting, retries: check.retries, at: now)
        (due, began, planned) = (now, now, now)
        counted = max(min(up ?? now, now).advanced(by: check.startPeriod), now)
    }

    /// As many failures in a row as it takes.
    var isUnhealthy: Bool { failures >= check.retries }

    /// Why it is unhealthy.
    var problem: String {
        let what = check.retries == 1 ? "health check failed" : "health check failed \(check.retries) times"
        return what + (output.isEmpty ? "" : ": \(output)")
    }

    /// A check is to be made now. A clock that was set back does not make the wait longer.
    func isDue(_ now: Timestamp) -> Bool { flight == nil && (due <= now || now < planned) }

    mutating func begin(_ id: CheckID, now: Timestamp) {
        if now < planned { (began, counted) = (min(began, now), min(counted, now)) }
        flight = Flight(id: id, since: now)
    }

    /// The connection to systemd is lost: nobody waits for the answer any more.
    mutating func abandon() { flight = nil }

    /// Takes the answer to the check in flight.
    mutating func take(_ result: CheckResult, now: Timestamp) {
        guard let flight else { return }
        self.flight = nil
        switch result {
        case .healthy(let output):
            (failures, hasSucceeded) = (0, true)
            healthySince = healthySince ?? now
            tell(.healthy, HealthOutput.text(output), now)
        case .unhealthy(let output):
            healthySince = nil
            self.output = HealthOutput.text(output)
            if hasSucceeded || now >= counted.advanced(by: check.interval) {
                failures += 1
                counted = now
                tell(isUnhealthy ? .unhealthy : .failing, self.output, now)
            } else {
                explainStart(self.output)
            }
        case .notRun(let reason): explainStart(HealthOutput.text("not checked: \(reason)"))
        }
        planned = now
        // A check that took longer than the interval gets a breath before the next.
        due = max(flight.since.advanced(by: pace(now)), now.advanced(by: AgentLimits.checkPause))
    }

    /// Why it takes its time: told at the first, second, fourth... time, because the reason may be another one by then.
    private mutating func explainStart(_ reason: String) {
        guard told.state == .starting else { return }
        reasons += 1
        if reasons & (reasons - 1) == 0 { told.output = reason }
    }

    private func pace(_ now: Timestamp) -> Duration {
        guard !hasSucceeded else { return check.interval }
        let age = max(now.since(began), AgentLimits.firstCheckPace)
        return min(check.interval, age, AgentLimits.lastCheckPace)
    }

    /// A state is told when it begins; within `failing`, the first, second, fourth... failure.
    private mutating func tell(_ state: HealthStatus.State, _ output: String, _ now: Timestamp) {
        let isNew = state != told.state
        guard isNew || (state == .failing && failures & (failures - 1) == 0) else { return }
        told = HealthStatus(
            state: state,
            failures: failures,
            retries: check.retries,
            output: output,
            at: isNew ? now : told.at
        )
    }
}
