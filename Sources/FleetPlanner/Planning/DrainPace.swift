/// How fast a machine is drained.
package enum DrainPace {
    /// Units of one draining machine that are being started elsewhere at a time: enough to keep the others busy, few
    /// enough that a new place which turns out to be bad costs little.
    package static let movesInFlight = 5
}
