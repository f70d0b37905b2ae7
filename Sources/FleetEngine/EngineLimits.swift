import FleetModel

/// The engine's own bounds, each with its reason.
package enum EngineLimits {
    /// The first wait after a planning cycle of which nothing was committed for the second time in a row. The first
    /// time there is none: a conflict is normal when a user and the engine meet on one unit.
    static let firstWait = Duration.milliseconds(100)
    /// The longest such wait: what a person looks at a full disk for before asking why nothing happens.
    static let longestWait = Duration.seconds(30)
    /// The wait after a campaign that the registry did not answer.
    static let campaignWait = Duration.seconds(1)

    /// How long a leader decides nothing after its own machine's lease has ended: a lost lease says little about the
    /// others, when this engine is alive to see it. A registry that was silent, or that ends leases before their time
    /// (etcd issue 15247), has likely ended those of the others too. Each tries to register again every five seconds at
    /// most (fleetd's longest back-off).
    package static let registrationRound = Duration.seconds(6)

    /// How long after its boot a machine's engine waits for others that have booted with it, before it gives their
    /// units away. Firmware takes a minute or two; etcd and fleetd take seconds.
    package static let bootRound = Duration.seconds(120)

    /// How long after its first look at the registry a machine that has just booted may find leases of before: those of
    /// machines that lost their power with it end within the standard `agent_ttl` and some seconds.
    package static let oldLeases = Duration.seconds(15)

    /// Whether a wait that ends at `until` is over. A clock that was set back does not make it longer than it may be.
    static func isOver(_ until: Timestamp, _ now: Timestamp, longest: Duration) -> Bool {
        now >= until || until.since(now) > longest
    }

    static func wait(afterFruitless cycles: Int) -> Duration {
        guard cycles > 1 else { return .zero }
        var wait = firstWait
        for _ in 2..<cycles where wait < longestWait { wait = wait * 2 }
        return wait < longestWait ? wait : longestWait
    }
}
