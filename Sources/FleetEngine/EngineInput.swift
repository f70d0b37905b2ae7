package import FleetModel
package import FleetRegistry

/// Everything that can happen to an engine. With each input comes the newest snapshot, which the core never keeps.
package enum EngineInput: Hashable, Sendable {
    /// The snapshot has these changes folded in. The first one is a list (`all`).
    case changed(Changes)
    /// What came of `EngineDirective.campaign`.
    case campaigned(CampaignResult)
    /// The lease of this leadership has ended or could not be renewed in time. It may come late, when this engine
    /// leads again under another epoch.
    case leadershipLost(Epoch)
    /// What came of `EngineDirective.commit`.
    case finished(TransactionID, CommitResult)
    /// The answer to `EngineDirective.catchUp` of this epoch. `fence`: at which revision the leadership key was written
    /// last; nil when it is not of this epoch any more.
    case caughtUp(Revision, epoch: Epoch, fence: Revision?)
    /// The answer to `EngineDirective.findSilent`: those of them whose leases were not renewed in time.
    case foundSilent(Set<MachineID>)
    /// The registry answers nobody, or did so until a moment ago: for so long no machine that is not present may be
    /// taken for lost.
    case registrySilent(for: Duration)
    /// The answer to `EngineDirective.timeOldLeases`.
    case oldLeasesOver
    /// This engine's machine booted so long ago that others which got their power with it are there by now.
    case settled
    /// A time asked for with `EngineDirective.wake` has come.
    case wake
    /// fleetd ends: lead no more.
    case stop
}

/// What came of a try to become leader.
package enum CampaignResult: Hashable, Sendable {
    /// The leadership key is on this engine's lease; the epoch is its create revision.
    case won(Epoch)
    /// Someone else has it.
    case held
    /// The registry did not answer, or not clearly.
    case failed
}

/// What became of a transaction. After `unknown` nobody guesses: the core reads again.
package enum CommitResult: Hashable, Sendable {
    case committed(Revision)
    /// A compare did not hold. Nothing was changed.
    case conflict
    /// Nothing was changed, for a reason that is not the transaction's (a full disk, say).
    case refused(String)
    /// It may or may not have been applied, or may be yet.
    case unknown(String)
}

/// Names one transaction of this process; never used twice.
package struct TransactionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: Int

    package static func < (left: TransactionID, right: TransactionID) -> Bool { left.number < right.number }
    package var description: String { "t\(number)" }
}
