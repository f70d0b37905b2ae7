/// What one seed is made of. Drawn from the seed, some faults switched off entirely: a fleet in which everything goes
/// wrong at once never gets far enough for the interesting mistakes (swarm testing).
package struct SimOptions: Hashable, Sendable {
    package let seed: UInt64
    package var machines: Int
    /// The first of the machines are candidates for the leadership.
    package var engines: Int
    package var unitNames: Int
    /// How long things go wrong.
    package var faultTime: SimSpan
    /// The mean time between two wishes of users.
    package var userPause: SimSpan
    /// The mean time between two faults.
    package var faultPause: SimSpan
    /// How likely each fault is against the others; 0: never.
    package var faults: [SimFault: Int]
    /// The longest a message takes.
    package var latency: SimSpan
    /// Of a thousand requests, and of a thousand answers, this many get lost.
    package var loss: Int
    /// A request whose answer was lost may be carried out much later.
    package var lateCommits = false
    /// Others write into the same store, outside of fleet's keys.
    package var foreignKeys: Bool
    /// Machines' clocks differ by up to this, and run up to `drift` parts per million too fast or slow.
    package var clockOffset: SimSpan
    package var drift: Int64
    /// One machine never comes back.
    package var staysDead: Bool
    /// Of a thousand unit files, this many have a behaviour that needs the failure machinery.
    package var trouble: Int
    /// Of a thousand unit files, this many have constraints.
    package var constraints: Int
    /// Of a thousand unit files, this many have a health check, and of those some a unit that is sick on some machines.
    /// None unless set, so that older seeds stay what they are.
    package var checks = 0
    /// Of a thousand unit files, this many have data that stay on one machine.
    package var volumes = 0

    /// How long after the last fault everything has to be at rest where it should be.
    package static let convergence = SimSpan.seconds(900)
    package static let agentTTL = SimSpan.seconds(10)
    package static let engineTTL = SimSpan.seconds(5)

    package init(seed: UInt64) {
        self.seed = seed
        var random = SimRandom(seed: seed).split(SimWorld.Purpose.options.rawValue)
        machines = [2, 3, 3, 3, 3, 4, 5][random.below(7)]
        engines = random.chance(700) ? min(machines, 3) : 1 + random.below(machines)
        unitNames = 3 + random.below(6)
        faultTime = .seconds([20, 30, 45, 120][random.below(4)])
        userPause = .milliseconds([1000, 3000, 8000][random.below(3)])
        faultPause = .milliseconds([1000, 3000, 10_000][random.below(3)])
        var faults: [SimFault: Int] = [:]
        func weigh(_ fault: SimFault) -> Int { random.chance(450) ? 0 : 1 + random.below(fault.weight) }
        for fault in SimFault.allCases where !SimFault.late.contains(fault) { faults[fault] = weigh(fault) }
        latency = .milliseconds([2, 2, 20, 200][random.below(4)])
        loss = [0, 0, 5, 30][random.below(4)]
        foreignKeys = random.chance(200)
        clockOffset = random.chance(500) ? .zero : .seconds(30)
        drift = random.chance(500) ? 0 : Int64(random.below(20_000))
        staysDead = random.chance(250)
        trouble = [0, 150, 400, 700][random.below(4)]
        constraints = [0, 200, 500][random.below(3)]
        // Drawn last: the worlds without them are what they were before there were any.
        volumes = [0, 0, 0, 500][random.below(4)]
        lateCommits = random.chance(300)
        for fault in SimFault.late { faults[fault] = weigh(fault) }
        self.faults = faults
    }
}

extension SimOptions {
    /// The same, cut to what a debug build runs in a tenth of a second.
    package static func small(seed: UInt64) -> SimOptions {
        var options = SimOptions(seed: seed)
        options.machines = min(options.machines, 3)
        options.engines = min(options.engines, options.machines)
        options.unitNames = min(options.unitNames, 5)
        options.faultTime = min(options.faultTime, .seconds(30))
        options.userPause = max(options.userPause, .seconds(2))
        return options
    }
}

extension SimOptions: CustomStringConvertible {
    package var description: String {
        let kinds = faults.filter { $0.value > 0 }.map { "\($0.key.rawValue)=\($0.value)" }.sorted()
        return "seed=\(seed) machines=\(machines) engines=\(engines) names=\(unitNames) faultTime=\(faultTime) "
            + "userPause=\(userPause) faultPause=\(faultPause) latency=\(latency) loss=\(loss) "
            + "late=\(lateCommits) foreignKeys=\(foreignKeys) clockOffset=\(clockOffset) drift=\(drift) "
            + "staysDead=\(staysDead) trouble=\(trouble) constraints=\(constraints) volumes=\(volumes) "
            + "faults=[\(kinds.joined(separator: " "))]"
    }
}

/// What can go wrong all at once, in one place, at one time. Lost and late messages are going wrong all the time.
package enum SimFault: String, Hashable, Sendable, CaseIterable {
    /// fleetd is killed, and started again by systemd.
    case crash
    /// fleetd is stopped for a while (SIGSTOP).
    case pause
    /// `systemctl stop fleetd`, and started again later.
    case cleanStop
    case powerCut
    /// The cable of one machine is pulled.
    case linkCut
    /// One machine hears of the registry's changes late.
    case slowWatch
    /// The connection of one machine to the registry breaks, and can be made anew at once.
    case disconnect
    /// The registry answers nobody.
    case outage
    /// The registry answers nobody, and leases go on counting.
    case hang
    /// All machines lose their power at one moment, and boot within half a minute of each other.
    case site
    case compaction
    /// The registry ends a machine's lease before its time, as an etcd leader that was frozen does.
    case earlyLeaseEnd
    case clockStep
    /// systemd is executed anew.
    case reexec
    /// The main process of a unit is killed.
    case unitKilled
    /// The machine gets, or loses, a unit of one of our names from elsewhere.
    case foreignUnit

    /// Drawn after everything else: they came later.
    static let late: [SimFault] = [.hang, .site]

    /// The largest weight it is drawn with.
    var weight: Int {
        switch self {
        case .crash, .pause, .linkCut, .disconnect, .unitKilled: 8
        case .cleanStop, .slowWatch, .powerCut, .compaction, .reexec: 4
        case .outage, .hang, .clockStep, .foreignUnit, .earlyLeaseEnd: 3
        case .site: 2
        }
    }
}
