/// Names one check in flight.
package typealias CheckID = Int

/// What came of one check.
package enum CheckResult: Hashable, Sendable {
    /// With what it printed, as it came.
    case healthy(output: String)
    case unhealthy(output: String)
    /// The check itself could not be made, which says nothing about the unit.
    case notRun(reason: String)
}
