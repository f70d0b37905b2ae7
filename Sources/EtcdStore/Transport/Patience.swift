import NIOCore

/// How long the client waits for what, derived from the time one request may take.
struct Patience: Hashable, Sendable {
    /// One request, fail-over included.
    let request: Duration

    /// A connection to one member, up to its first HTTP/2 frame. A process that is stopped still accepts connections,
    /// so this is also what it costs to find out about one; two such members leave time for a third.
    var connect: Duration { request * 2 / 5 }
    /// A member that has not answered a request for this long is asked whether it is there at all.
    var probeAfter: Duration { request / 5 }
    /// The answer to that comes from the member's HTTP/2 code, which waits for neither disk nor quorum.
    var probeAnswer: Duration { request / 5 }
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
