package import FleetEngine

extension CommitResult {
    /// What the engine's core is told of a commit.
    package init(_ outcome: CommitOutcome) {
        switch outcome {
        case .committed(let revision): self = .committed(revision)
        case .conflict: self = .conflict
        case .refused(let error): self = .refused("\(error)")
        case .unknown(let error): self = .unknown("\(error)")
        }
    }
}
