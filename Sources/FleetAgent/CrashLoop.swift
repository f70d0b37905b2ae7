import FleetModel

/// Finds the crash loop that systemd never ends: with `RestartSec=3s` the default start limit (5 starts in 10 s) is
/// never reached, and the unit alternates between running and waiting for a restart for ever.
///
/// The rule: `AgentLimits.crashLoopRestarts` automatic restarts (`NRestarts`) of which none led to a good run, seen
/// while the unit is down again (or one restart more, whatever it is doing). A good run is one that was up for
/// `AgentLimits.goodRun` (and longer, where podman ends what is unhealthy and needs that long to find out), or that
/// ended with `Result=success`: `Restart=always` around a program that does a little work and exits 0 is a habit, not a
/// crash. Time spent `activating` is not up, so a start that times out again and
/// again is a loop too, however long each try takes.
///
/// Decided by what each observation says, never by how many there were: a missed one makes a run look longer, which
/// errs to leaving the unit alone.
struct CrashLoop: Hashable, Sendable {
    /// `NRestarts` at the newest proof that the unit works, or when it was first seen.
    private struct Base: Hashable {
        var restarts: UInt32
        var at: Timestamp
    }

    /// A run that is up.
    private struct Run: Hashable {
        var invocation: String
        var since: Timestamp
    }

    /// How often the unit was restarted without a good run, and in what time.
    struct Finding: Hashable, Sendable {
        var restarts: UInt32
        var within: Duration
    }

    private var base: Base?
    private var run: Run?

    /// Takes note of `observation`; not nil when it makes a crash loop.
    mutating func saw(
        _ observation: UnitObservation,
        goodRun: Duration = AgentLimits.goodRun,
        now: Timestamp
    ) -> Finding? {
        let here = Base(restarts: observation.restarts, at: now)
        var base = self.base ?? here
        // Started by hand or reset: systemd counts from zero again.
        if observation.restarts < base.restarts { base = here }
        if let run, now.since(run.since) >= goodRun { base = here }
        if observation.isAutoRestarting, observation.result == "success" { base = here }
        self.base = base
        if !observation.isUp {
            run = nil
        } else if run?.invocation != observation.invocation {
            run = Run(invocation: observation.invocation, since: now)
        }
        let restarts = observation.restarts - base.restarts
        let limit = AgentLimits.crashLoopRestarts
        guard restarts > limit || (observation.isAutoRestarting && restarts == limit) else { return nil }
        return Finding(restarts: restarts, within: now.since(base.at))
    }
}
