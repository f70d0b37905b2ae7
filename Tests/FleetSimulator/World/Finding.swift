/// A broken promise, seen in the world.
package struct Finding: Hashable, Sendable, CustomStringConvertible {
    package enum Rule: String, Hashable, Sendable, CaseIterable {
        /// An engine's write was committed although it does not lead.
        case fencing
        /// What was acknowledged is not stored, or was changed by somebody who may not.
        case lost
        /// A unit whose file is not stored, and the like.
        case half
        /// A second machine was given an ordinary unit.
        case doubleAssignment
        /// A copy that nobody wants ran on for too long.
        case leftRunning
        /// Two copies of an at-most-once unit.
        case atMostOnce
        /// A unit was stopped or started again without a cause.
        case disturbed
        /// A run was started twice, or too early, or too often.
        case policy
        /// Numbers that may only grow have fallen.
        case backwards
        /// Too much was written or asked for in a minute.
        case hotLoop
        /// A unit was started without its data, which are on another machine.
        case dataLeft
        /// A unit was moved off a machine that was well, or about to be back with all others.
        case movedInVain
        /// A plan broke a rule.
        case audit
        /// After everything was healed the fleet did not come to rest, or not where it should be.
        case convergence
    }

    package let rule: Rule
    package let at: SimTime
    package let text: String

    package var description: String { "\(rule.rawValue) at \(at): \(text)" }
}
