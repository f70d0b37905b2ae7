/// What systemd's states mean to the agent. Every comparison with one of systemd's words is in this file or in
/// `FailureReading`.
extension UnitObservation {
    /// Started and there; `refreshing` is systemd 257's.
    var isUp: Bool { Self.upStates.contains(activeState) }
    package static let upStates: Set<String> = ["active", "reloading", "refreshing"]
    /// Up, or on the way; waiting for an automatic restart counts as that.
    var isRunning: Bool { isUp || activeState == "activating" }
    var isStopping: Bool { activeState == "deactivating" }
    /// systemd has given up. An automatic restart passes through `failed` too, but is queued as a job or shown as
    /// `activating (auto-restart)` by the time the state is read.
    var hasFailed: Bool { activeState == "failed" && !hasJob }
    /// Nothing runs, and nothing is about to.
    var isAtRest: Bool { (activeState == "inactive" || activeState == "failed") && !hasJob }
    /// Waiting for `RestartSec=`; systemd 254 split the state into `auto-restart` and `auto-restart-queued`.
    var isAutoRestarting: Bool { activeState == "activating" && subState.hasPrefix("auto-restart") }
    /// systemd can start it.
    var isLoaded: Bool { loadState == "loaded" }
}
