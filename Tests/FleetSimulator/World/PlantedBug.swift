/// Mistakes that can be switched on, to see that the simulator finds them. Each is in a simulated shell or in the
/// simulated store, where a real one could be in the code that they stand for.
package enum PlantedBug: String, Hashable, Sendable, CaseIterable {
    /// The engine's transactions do not compare the leadership key.
    case dropEpochCompare
    /// The leader does not renew its lease.
    case skipLeadershipHold
    /// Now and then an event of a watch is not delivered.
    case loseWatchEvent
    /// Now and then a list is older than its revision says.
    case staleList
    /// Failure records are not stored.
    case forgetFailures
    /// The engine is never woken at the time it asked for.
    case dropWakes
    /// A restarted fleetd finds no ledger.
    case forgetLedger
    /// A lost answer is taken for a yes.
    case unknownAsCommitted
    /// The keys of a lease that has ended stay.
    case keepLeasedKeys
    /// The engine never hears how far the registry is after a conflict.
    case ignoreCatchUp
    /// Statuses are written under the machine's first lease for ever.
    case publishUnderDeadLease
    /// While the registry cannot be read the agent is told that nothing is assigned.
    case emptyListWhenLost
    /// The agent hears of an operation's end and not of the state it led to.
    case forgetStateAfterOperation
    /// A transaction's compares are not looked at.
    case ignoreCompares
    /// The machine's lease is renewed by the wall clock.
    case renewByWallClock
    /// systemd is not asked for the fence.
    case skipFence
    /// Locks are taken whoever has them.
    case takeLocksByForce
    /// A lock that went with its machine's lease is taken at once.
    case forgetLockDelay
    /// A lease that has ended is campaigned with again.
    case campaignWithOldLease
    /// Machines say of all volumes that nothing is in them.
    case overlookData
    /// The end of a lease is taken for the end of a machine, although the registry was silent.
    case trustLeases
    /// The leadership key is not written anew when it is not known what became of a transaction.
    case trustLateCommits
}

extension PlantedBug {
    /// Options under which the mistake matters soon, so that looking for it takes few seeds.
    package func scenario(seed: UInt64) -> SimOptions {
        var options = SimOptions.small(seed: seed)
        options.faultTime = .seconds(40)
        func often(_ faults: SimFault...) {
            for fault in faults { options.faults[fault] = 10 }
            options.faultPause = .seconds(3)
        }
        switch self {
        case .dropEpochCompare:
            // A write of the old leader that is carried out when there is a new one.
            (options.engines, options.userPause) = (options.machines, .milliseconds(800))
            (options.lateCommits, options.loss) = (true, 50)
            often(.pause, .linkCut)
        case .skipLeadershipHold, .emptyListWhenLost: often(.linkCut, .outage)
        case .loseWatchEvent: options.userPause = .milliseconds(800)
        case .staleList: often(.crash, .compaction, .disconnect)
        case .forgetFailures, .dropWakes: options.trouble = 700
        case .forgetLedger: (options.trouble, options.faults[.crash]) = (700, 10)
        case .unknownAsCommitted: options.loss = 30
        case .keepLeasedKeys: options.staysDead = true
        case .ignoreCatchUp: (options.userPause, options.loss) = (.milliseconds(800), 30)
        case .publishUnderDeadLease: often(.pause, .linkCut)
        case .forgetStateAfterOperation: options.trouble = 400
        case .renewByWallClock:
            options.loss = 0
            often(.clockStep)
        case .skipFence:
            options.loss = 0
            often(.linkCut, .earlyLeaseEnd)
        case .forgetLockDelay: often(.earlyLeaseEnd, .linkCut)
        case .takeLocksByForce: often(.linkCut, .outage)
        case .campaignWithOldLease: often(.crash, .pause)
        case .trustLeases:
            // Nothing but hangs, about as far apart as machines need to be well in between.
            (options.loss, options.trouble, options.faults) = (0, 0, [.hang: 10])
            (options.faultTime, options.faultPause) = (.seconds(120), .seconds(20))
        case .trustLateCommits:
            (options.lateCommits, options.loss, options.trouble) = (true, 50, 700)
            options.userPause = .milliseconds(800)
            often(.linkCut, .pause)
        case .overlookData: (options.trouble, options.volumes) = (700, 700)
        case .ignoreCompares: (options.userPause, options.latency) = (.milliseconds(800), .milliseconds(200))
        }
        return options
    }
}
