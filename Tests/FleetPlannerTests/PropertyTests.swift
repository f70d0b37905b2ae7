import FleetModel
import FleetPlanner
import Testing
import UnitFile

/// Random histories of random fleets: after every few changes the planner plans with its index and from scratch, and
/// everything that must hold of a plan is checked.
@Suite struct PropertyTests {
    @Test(arguments: Array(0..<16)) func histories(block: Int) throws {
        for seed in UInt64(block * 25)..<UInt64(block * 25 + 25) {
            try Self.run(seed: seed, steps: 40)
        }
    }

    private static func run(seed: UInt64, steps: Int) throws {
        var scenario = Scenario(seed: seed)
        var index = PlanningIndex(scenario.fleet.snapshot)
        var dirty = Dirty.nothing
        var history: [String] = []
        for _ in 0..<steps {
            history.append(scenario.mutate())
            take(&scenario.fleet, &index, &dirty)
            guard !scenario.random.oneIn(3) else { continue }
            let label = Comment("seed \(seed) after \(history.joined(separator: "\n  "))")
            let snapshot = scenario.fleet.snapshot
            #expect(index == PlanningIndex(snapshot), "the index is in step; \(label)")

            let dumb = scenario.fleet.plan()
            let clever = Planner.plan(
                snapshot,
                index: index,
                dirty: dirty,
                now: scenario.fleet.now,
                epoch: scenario.fleet.epoch
            )
            try #require(clever.decisions == dumb.decisions, "clever = dumb; \(label)")
            #expect(clever.wakeAt == dumb.wakeAt, label)
            for (unit, reason) in clever.blocked { #expect(dumb.blocked[unit] == reason, label) }
            for unit in clever.considered where clever.blocked[unit] == nil {
                #expect(dumb.blocked[unit] == nil, label)
            }

            let findings = PlanAudit.check(dumb, snapshot, now: scenario.fleet.now, scope: .everything)
            try #require(findings.isEmpty, "audit: \(findings); \(dumb); \(label)")
            checkMinimality(dumb, scenario.fleet, label)

            scenario.fleet.apply(dumb)
            dirty = .nothing
            take(&scenario.fleet, &index, &dirty)
            let again = scenario.fleet.plan()
            try #require(again.decisions.isEmpty, "comes to rest: \(dumb) and then \(again); \(label)")
            let cleverAgain = Planner.plan(
                scenario.fleet.snapshot,
                index: index,
                dirty: dirty,
                now: scenario.fleet.now,
                epoch: scenario.fleet.epoch
            )
            #expect(cleverAgain.decisions.isEmpty, label)
            dirty = .nothing
        }
    }

    private static func take(_ fleet: inout TestFleet, _ index: inout PlanningIndex, _ dirty: inout Dirty) {
        let changes = fleet.takeChanges()
        dirty.merge(
            index.update(
                units: changes.units,
                machines: changes.machines,
                volumes: changes.volumes,
                from: fleet.snapshot
            )
        )
    }

    /// A unit that leaves a machine either could not stay there as things were, or cannot as they will be, or failed,
    /// or was stopped.
    private static func checkMinimality(_ plan: Plan, _ fleet: TestFleet, _ label: Comment) {
        var after = fleet
        after.apply(plan)
        for decision in plan.decisions {
            let from: MachineID
            switch decision.action {
            case .unassign(let machine), .move(let machine, _, _): from = machine
            case .assign, .update, .recordFailure, .endMove, .settle, .share, .release: continue
            }
            guard let unit = fleet.snapshot.units[decision.unit], unit.target.state > .inactive else { continue }
            switch decision.reason.cause {
            case .retry, .duplicate, .drained, .moveAsked, .handedOver, .failedThere: continue
            default: break
            }
            if fleet.snapshot.machines[from]?.orders.draining != nil { continue }
            let before = Eligibility.explain(unit, in: fleet.snapshot)[from]
            let later = Eligibility.explain(unit, in: after.snapshot)[from]
            let isGone = fleet.snapshot.machines[from]?.presence == nil
            #expect(before != nil || later != nil || isGone, "\(decision) was not needed; \(label)")
        }
    }

    /// The order in which things became known does not show in the plan.
    @Test func orderOfInputDoesNotMatter() {
        let names = (0..<12).map { unit("u\($0).service") }
        func fleet(_ order: [UnitName], _ machines: [MachineID]) -> TestFleet {
            var fleet = TestFleet()
            for id in machines { fleet.machine(id) }
            for name in order {
                fleet.submit(name, options { $0.conflicts = [UnitPattern("u1*.service")] })
            }
            return fleet
        }
        let ids = "abcde".map { machine($0) }
        let expected = fleet(names, ids).plan()
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20 {
            let other = fleet(names.shuffled(using: &random), ids.shuffled(using: &random)).plan()
            #expect(other.summary == expected.summary)
            #expect(other.blocked == expected.blocked)
        }
    }
}
