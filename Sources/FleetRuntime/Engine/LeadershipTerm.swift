package import FleetEngine
package import FleetModel
package import FleetRegistry

/// What an engine knows of the lease that it campaigns with. Pure, so that the simulator runs the same rules.
///
/// A lease is kept only while it may still win: it is renewed by nobody but a leader. One that lost an election has
/// ended by the time of the next, and the registry refuses the key under it for ever.
package struct LeadershipTerm: Hashable, Sendable {
    /// What to campaign with; nil: a new lease is needed first.
    package private(set) var lease: LeaseID?

    package init() {}

    package mutating func granted(_ lease: LeaseID) { self.lease = lease }

    /// What became of putting the leadership key where there was none. nil: it is there already, see who has it
    /// (`found`).
    package mutating func put(_ outcome: CommitOutcome) -> CampaignResult? {
        switch outcome {
        case .committed(let revision): return .won(revision)
        case .conflict: return nil
        // The key may be on this lease, now or in a moment.
        case .unknown: return .failed
        case .refused(let error):
            if error.code == .leaseNotFound { lease = nil }
            return .failed
        }
    }

    /// Who has the leadership key. An earlier try with an unknown outcome may have won.
    package mutating func found(_ entry: StoredEntry?) -> CampaignResult {
        guard let entry else { return .failed }
        if let lease, entry.lease == lease { return .won(entry.created) }
        lease = nil
        return .held
    }

    /// Writes the leadership key anew, under the same epoch. nil without a lease to write it on.
    package func rewriting(_ key: Key, _ record: LeaderRecord, epoch: Epoch) -> Transaction? {
        guard let lease else { return nil }
        let put = StoreOperation.put(key, RegistryValue.encode(record), lease: lease)
        return Transaction(compares: [.created(key, at: epoch)], operations: [put])
    }

    /// Whether nothing can be committed any more that was compared with the key as it was before `rewriting` came to
    /// `outcome`.
    package static func isFenced(by outcome: CommitOutcome) -> Bool {
        switch outcome {
        // The key is gone or another leader's: compares with it fail.
        case .committed, .conflict: true
        case .refused(let error): error.code == .leaseNotFound
        case .unknown: false
        }
    }

    /// The registry did not answer. Perhaps the lease has ended: the next try has a new one.
    package mutating func failed() -> CampaignResult {
        lease = nil
        return .failed
    }

    /// `lease` has ended or is given back.
    package mutating func ended(_ lease: LeaseID) {
        if self.lease == lease { self.lease = nil }
    }
}

/// Whether a lease that is renewed now and then is still there, by a clock that nobody sets: a step of the wall clock
/// must neither delay a renewal nor make a lease look alive.
package struct LeaseRenewal: Hashable, Sendable {
    private let ttl: Duration
    private var renewed: Duration

    /// The lease was granted or renewed at `now`.
    package init(ttl: Duration, at now: Duration) {
        self.ttl = ttl
        renewed = now
    }

    /// How long to wait before the next renewal: two may fail.
    package static func pause(of ttl: Duration) -> Duration { ttl / 3 }

    /// How long to wait after a renewal that failed.
    package static func pauseAfterFailure(of ttl: Duration) -> Duration { ttl / 15 }

    /// Takes note of a renewal that was sent at `sent` and ended at `now`, with `error` if it failed. False when the
    /// lease is lost: it has ended, or could not be renewed for as long as it lives.
    ///
    /// The registry starts the lease's time again somewhere between sending and the end; only what was sent is certain.
    package mutating func isAlive(after error: StoreError?, sent: Duration, at now: Duration) -> Bool {
        guard let error else {
            renewed = sent
            return true
        }
        return error.code != .leaseNotFound && now - renewed < ttl
    }
}
