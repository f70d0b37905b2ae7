import FleetEngine
import FleetModel
import FleetPlanner
import FleetRegistry
import Testing
import UnitFile

/// What the engine makes of transactions that were not simply committed.
@Suite struct OutcomeTests {
    private let a = machine("a")
    private let b = machine("b")
    private let web = unit("web.service")
    private let db = unit("db.service")

    private func leader() -> EngineWorld {
        var world = EngineWorld(machine: a)
        for id in [a, b] { world.registry.machine(id, at: world.now) }
        world.start()
        world.settle()
        return world
    }

    @Test func aUserWhoWasFasterWins() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        world.registry.submit(db, at: world.now)
        world.holdsTransactions = true
        world.settle()
        world.registry.target(web, .inactive, at: world.now)
        let held = world.held.count
        world.releaseHeld()
        #expect(held == 1, "both in one transaction")
        #expect(world.machines(of: db).isEmpty, "it failed as a whole")
        world.settle()
        #expect(world.machines(of: web).isEmpty)
        #expect(world.machines(of: db) == [a])
    }

    /// What a plan made room for, or took room from, is looked at again when it does not come.
    @Test func whoWasKeptOffByWhatIsNotDoneIsLookedAtAgain() {
        var world = EngineWorld(machine: a)
        world.registry.machine(a, at: world.now)
        world.start()
        world.settle()
        world.registry.submit(db, "Global=true", at: world.now)
        world.settle()
        world.registry.machine(b, at: world.now)
        world.registry.submit(web, "Conflicts=db.service", at: world.now)
        let (web, now) = (web, world.now)
        world.outcomes = [
            { registry, _ in
                registry.target(web, .inactive, at: now)
                return .conflict
            }
        ]
        world.settle()
        #expect(world.machines(of: web).isEmpty)
        #expect(world.machines(of: db) == [a, b])
    }

    @Test func afterAConflictEachUnitStandsForItself() {
        var world = leader()
        for number in 0..<5 { world.registry.submit(unit("u\(number).service"), at: world.now) }
        world.outcomes = [{ _, _ in .conflict }]
        let before = world.commitsAsked
        world.settle()
        #expect(world.commitsAsked - before == 6)
        let sizes = world.registry.commits.suffix(5).map { transaction in
            transaction.operations.count { operation in
                if case .put(let key, _, _) = operation { key.description.contains("/assignments/") } else { false }
            }
        }
        #expect(sizes == [1, 1, 1, 1, 1])
    }

    @Test func nothingIsPlannedFromASnapshotOlderThanItsOwnWrites() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        let changes = world.registry.deliver()
        world.step(.changed(changes))
        #expect(world.commitsAsked == 1)
        #expect(world.registry.snapshot.assignments[web] == nil, "the feed has not seen it yet")
        world.step(.changed(Changes(units: [web])))
        world.step(.wake)
        #expect(world.commitsAsked == 1)
        world.settle()
        #expect(world.machines(of: web) == [a])
        #expect(world.commitsAsked == 1)
    }

    /// The snapshot may be ahead of the changes that the core has been told of; then these are on their way.
    @Test func nothingIsPlannedBeforeTheIndexKnowsTheSnapshot() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        let first = world.registry.deliver()
        world.holdsTransactions = true
        world.step(.changed(first))
        world.registry.submit(db, "Conflicts=web.service", at: world.now)
        var second = world.registry.deliver()
        world.releaseHeld()
        second.merge(world.registry.deliver())
        #expect(world.commitsAsked == 1)
        world.step(.wake)
        #expect(world.commitsAsked == 1)
        world.step(.changed(second))
        #expect(world.commitsAsked == 2)
        world.settle()
        #expect(world.machines(of: db) == [b])
    }

    @Test(arguments: [true, false]) func anUnknownOutcomeIsReadNotGuessed(applied: Bool) {
        var world = leader()
        world.registry.submit(web, at: world.now)
        world.outcomes = [
            { registry, transaction in
                if applied { _ = registry.commit(transaction) }
                return .unknown("timed out")
            }
        ]
        world.settle()
        #expect(world.machines(of: web) == [a])
        #expect(world.commitsAsked == (applied ? 1 : 2))
        #expect(world.registry.events(of: web).count == 1)
    }

    @Test func anUnknownOutcomeThatIsAppliedLateDoesNoHarm() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        var late: Transaction?
        world.outcomes = [
            { _, transaction in
                late = transaction
                return .unknown("timed out")
            }
        ]
        world.settle()
        guard let late else {
            Issue.record("nothing was asked")
            return
        }
        #expect(world.registry.commit(late) == .conflict)
        #expect(world.machines(of: web) == [a])
    }

    @Test func aRefusingRegistryIsAskedAgainWithGrowingWaits() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        world.outcomes = Array(repeating: { _, _ in .refused("the disk is full") }, count: 12)
        world.settle()
        var waits: [Int64] = []
        for _ in 0..<12 {
            guard let at = world.wakeAt else { break }
            waits.append(at.since(world.now).milliseconds)
            world.wake()
        }
        #expect(waits == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000])
        #expect(world.machines(of: web) == [a])
    }

    @Test func aConflictThatStaysDoesNotLoop() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        world.outcomes = Array(repeating: { _, _ in .conflict }, count: 6)
        world.settle()
        #expect(world.commitsAsked == 2, "the second time it waits")
        #expect(world.wakeAt == world.now.advanced(by: .milliseconds(100)))
        for _ in 0..<6 { world.wake() }
        #expect(world.machines(of: web) == [a])
    }

    @Test func aMachineThatLeftMeanwhileGetsNothing() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        world.holdsTransactions = true
        world.settle()
        world.registry.delete(.presence(a))
        world.releaseHeld()
        #expect(world.machines(of: web).isEmpty)
        world.settle()
        // It was the leader's own.
        world.wake()
        #expect(world.machines(of: web) == [b])
    }

    @Test func aMachineThatCameBackMeanwhileKeepsItsUnits() {
        var world = leader()
        world.registry.submit(web, at: world.now)
        world.settle()
        world.holdsTransactions = true
        world.registry.delete(.presence(a))
        world.settle()
        world.registry.machine(a, at: world.now)
        world.releaseHeld()
        world.settle()
        #expect(world.machines(of: web) == [a])
    }

    /// Random users, failures and outcomes; then everything answers again, and the fleet must come to rest where a plan
    /// from scratch finds nothing to do.
    @Test(arguments: UInt64(0)..<60) func randomOutcomes(seed: UInt64) {
        var random = SystemIndependentGenerator(state: seed)
        var world = leader()
        let names = (0..<6).map { unit("u\($0).service") }
        for _ in 0..<40 {
            let name = names[random.below(6)]
            switch random.below(8) {
            case 0, 1: world.registry.submit(name, random.below(3) == 0 ? "Conflicts=u*.service" : "", at: world.now)
            case 2: world.registry.target(name, random.below(2) == 0 ? .inactive : .launched, at: world.now)
            case 3: for id in world.machines(of: name) { world.registry.fail(name, on: id, at: world.now) }
            case 4: world.registry.delete(.presence(b))
            case 5: world.registry.machine(b, at: world.now)
            case 6: world.now = world.now.advanced(by: .seconds(random.below(20)))
            default: world.wake()
            }
            world.outcomes = (0..<random.below(3)).map { _ in
                let kind = random.below(4)
                return { registry, transaction in
                    switch kind {
                    case 0: return .conflict
                    case 1: return .unknown("lost")
                    case 2:
                        _ = registry.commit(transaction)
                        return .unknown("applied")
                    default: return registry.commit(transaction)
                    }
                }
            }
            if random.below(3) > 0 { world.settle() }
        }
        world.outcomes = []
        world.registry.machine(b, at: world.now)
        world.settle()
        for _ in 0..<20 { world.wake() }
        let snapshot = world.registry.snapshot
        let plan = Planner.plan(snapshot, now: world.now, epoch: Epoch(1))
        #expect(plan.decisions.isEmpty, "seed \(seed): \(plan)")
        #expect(PlanAudit.check(plan, snapshot, now: world.now, scope: .everything).isEmpty, "seed \(seed)")
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct SystemIndependentGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
