/// Names one pull under way.
package typealias PullID = Int

/// What became of `AgentDirective.pull`.
package enum PullResult: Hashable, Sendable {
    /// The machine has the image already.
    case present
    /// It has it now.
    case pulled(after: Duration)
    /// It has the image, but the registry could not be asked for a newer one, and why.
    case kept(reason: String)
    /// Why it has not, in a sentence without a full stop that names the image.
    case failed(reason: String)
    /// The pull itself could not be made, which says nothing about the image.
    case notRun(reason: String)
}
