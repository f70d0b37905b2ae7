import FleetModel
import UnitFile

/// Runs one seed: things go wrong while promises are checked; then everything is healed, and within
/// `SimOptions.convergence` the fleet has to be at rest, where it should be.
package struct Simulation {
    /// What came of one seed.
    package struct Outcome: Hashable, Sendable {
        package let options: SimOptions
        /// nil when all is well.
        package let finding: Finding?
        /// Of everything that happened: two runs of one seed have the same.
        package let hash: UInt64
        package let events: Int
        package let virtualTime: SimSpan
        /// The busiest minute of any machine: commits, calls to the registry, operations of systemd.
        package let busiest: [Int]
    }

    private let world: SimWorld
    private let store: SimStore
    private let checks: WorldChecks
    private let users: SimUsers
    private let nemesis: SimNemesis
    private let machines: [SimMachine]

    /// At rest: nothing was written and nothing asked of systemd for so long.
    private static let rest = SimSpan.seconds(30)
    /// How much longer nothing may be written.
    private static let idle = SimSpan.seconds(60)

    /// Runs to the end, or to the first finding.
    package static func run(
        _ options: SimOptions,
        bug: PlantedBug? = nil,
        print: ((String) -> Void)? = nil
    ) -> Outcome {
        let simulation = Simulation(options, bug, print)
        simulation.run()
        defer { simulation.end() }
        return simulation.outcome
    }

    /// Takes apart what refers to each other: a hundred thousand worlds do not fit into memory.
    private func end() {
        world.end()
        store.end()
        for machine in machines { machine.end() }
    }

    private init(_ options: SimOptions, _ bug: PlantedBug?, _ print: ((String) -> Void)?) {
        let world = SimWorld(options: options, bug: bug, print: print)
        let store = SimStore(world: world)
        let checks = WorldChecks(world: world, store: store)
        let feeds = SharedFeeds(world: world)
        let machines = (0..<options.machines).map {
            SimMachine(world: world, index: $0, store: store, feeds: feeds, checks: checks)
        }
        checks.machines = machines
        (self.world, self.store, self.checks, self.machines) = (world, store, checks, machines)
        users = SimUsers(world: world, machines: machines, checks: checks)
        nemesis = SimNemesis(world: world, machines: machines, store: store, users: users)
    }

    private var outcome: Outcome {
        let most = checks.busiest
        return Outcome(
            options: world.options,
            finding: world.findings.first,
            hash: world.trace.hash,
            events: world.events,
            virtualTime: world.now.since(.start),
            busiest: [most.commits, most.calls, most.operations]
        )
    }

    private func run() {
        world.note { "\(world.options)" }
        for machine in machines { machine.boot() }
        users.start()
        nemesis.start()
        lookAround()
        world.run(until: SimTime.start.advanced(by: world.options.faultTime))
        guard world.findings.isEmpty else { return }
        world.note { "everything is healed" }
        world.heal()
        nemesis.heal()
        converge()
    }

    private func lookAround() {
        world.after(.seconds(5)) {
            checks.lookAround()
            lookAround()
        }
    }

    private func converge() {
        let deadline = world.now.advanced(by: SimOptions.convergence)
        var problems: [String] = []
        var judged: (activity: SimTime, at: SimTime)?
        while world.findings.isEmpty, world.now < deadline {
            world.run(until: world.now.advanced(by: .seconds(5)))
            guard world.findings.isEmpty, world.now.since(lastActivity) >= Self.rest else { continue }
            // Without news the answer is the same, but for what waits for a time.
            if let judged, judged.activity == lastActivity, world.now.since(judged.at) < .seconds(60),
                world.now.advanced(by: .seconds(5)) < deadline
            {
                continue
            }
            judged = (lastActivity, world.now)
            let judgement = Judgement(world, checks)
            problems = judgement.problems
            if problems.isEmpty { return stayAtRest(isWaiting: judgement.isWaiting) }
        }
        guard world.findings.isEmpty else { return }
        if world.now.since(lastActivity) < Self.rest { problems.append("it does not come to rest") }
        world.find(.convergence, problems.joined(separator: "; "))
    }

    private var lastActivity: SimTime { max(checks.lastWrite, checks.lastOperation) }

    /// A fleet at rest costs nothing but the renewals of leases.
    private func stayAtRest(isWaiting: Bool) {
        guard !isWaiting else { return }
        let start = world.now
        world.run(until: start.advanced(by: Self.idle))
        if world.findings.isEmpty, lastActivity > start {
            let (written, asked) = (checks.lastWrite, checks.lastOperation)
            let news = "last write at \(written), last operation at \(asked), at rest since \(start)"
            world.find(.hotLoop, "something was written or asked for although nothing had happened: \(news)")
        }
    }
}
