/// Bounds of the agent's service.
package enum AgentServiceLimits {
    /// Operations at once. One that waits for systemd costs a task and some hundred bytes, and a unit that takes its
    /// time must not keep others waiting: so this is well above the units of a machine, and only bounds a mistake.
    package static let operationsInFlight = 1024
    /// Health checks at once. Each takes a process or a connection; far more than this fall due together only when
    /// fleetd starts.
    package static let checksUnderway = 64
    /// Unit file texts kept after use: the instances of a few templates come in several batches, everything else is
    /// needed once.
    package static let cachedFiles = 16
}
