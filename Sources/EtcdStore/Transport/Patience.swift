import NIOCore

/// How long the client waits for what, derived from the time one request may take.
struct Patience: Hashable, Sendable {
    /// One request, fail-over included.
    let request: Duration
    /// The life of a lease that is renewed in time only if a lost member is left in time.
    let lease: Duration?

    init(request: Duration, lease: Duration? = nil) {
        self.request = request
        self.lease = lease
    }

    /// `time`, or as much of the lease if that is less. Between the time a renewal is due and the time the fence comes
    /// down are 4/15 of a lease (`FenceTiming`, `LeaseRenewal`). A member that is gone takes two twelfths, and the rest
    /// is for the other one.
    private func atMost(_ time: Duration, ofLease divisor: Int) -> Duration {
        lease.map { min(time, $0 / divisor) } ?? time
    }

    /// A connection to one member, up to its first HTTP/2 frame. A process that is stopped still accepts connections,
    /// so this is also what it costs to find out about one; two such members leave time for a third.
    var connect: Duration { atMost(request * 2 / 5, ofLease: 6) }
    /// A member that has not answered a request for this long is asked whether it is there at all.
    var probeAfter: Duration { atMost(request / 5, ofLease: 12) }
    /// The answer to that comes from the member's HTTP/2 code, which waits for neither disk nor quorum.
    var probeAnswer: Duration { atMost(request / 5, ofLease: 12) }
    /// What a call has after a connection was made at last.
    var shortestTry: Duration { request / 5 }
    /// Pause before the next round over the members, doubled up to `longestPause`.
    var firstPause: Duration { .milliseconds(20) }
    var longestPause: Duration { .milliseconds(500) }

    /// A connection with watches on which nothing arrived for this long is probed, so that a cut cable is noticed. With
    /// a lease that is renewed more often than that, nothing is ever sent for this.
    static let silence = TimeAmount.seconds(10)
    /// etcd closes connections that send PINGs more often (`--grpc-keepalive-min-time`).
    static let betweenPings = TimeAmount.seconds(5)
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
