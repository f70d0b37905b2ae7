import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct PackingTests {
    @Test func manyUnitsAreSplitBetweenUnits() throws {
        var world = try World()
        let names = try (0..<300).map { try UnitName("web@\($0).service") }
        let change = Change.submit(
            names.map { Submission(name: $0, text: World.simple) },
            target: .launched,
            replace: .keep
        )
        let plan = try world.plan(change)
        #expect(plan.steps.count > 1)
        #expect(plan.steps.reduce(into: Set()) { $0.formUnion($1.units) } == Set(names))
        #expect(plan.steps.map(\.units.count).reduce(0, +) == 300)
        for step in plan.steps {
            #expect(step.transaction.defect == nil)
            #expect(step.transaction.compares.count <= Limits.operationsPerTransaction)
            let isCommitted = world.registry.commit(step.transaction)
            #expect(isCommitted)
        }
        #expect(world.snapshot.units.count == 300)
        // What is left after the first step committed and the second conflicted.
        let done = try #require(plan.steps.first?.units)
        let rest = try world.plan(change.excluding(done))
        #expect(rest.outcome.units.count == 300 - done.count)
    }

    @Test func largeFilesDoNotShareATransaction() throws {
        var world = try World()
        let filler = String(repeating: "# filler\n", count: 70_000)
        let submissions = try (0..<3).map {
            Submission(name: try UnitName("big\($0).service"), text: World.simple + "#\($0)\n" + filler)
        }
        let plan = try world.plan(.submit(submissions, target: .inactive, replace: .keep))
        #expect(plan.steps.count == 3)
    }

    /// A file that is used again is written again in every transaction that has a new user of it.
    @Test func everyStepWritesTheFilesItNeeds() throws {
        var world = try World()
        let names = try (0..<100).map { try UnitName("web@\($0).service") }
        let plan = try world.plan(
            .submit(names.map { Submission(name: $0, text: World.simple) }, target: .inactive, replace: .keep)
        )
        let file = RegistryKey.file(ContentHash(of: World.simple)).key(in: .standard)
        for step in plan.steps {
            let puts = step.transaction.operations.filter { if case .put(file, _, _) = $0 { true } else { false } }
            #expect(puts.count == 1)
        }
    }

    @Test func plansAreDeterministic() throws {
        var first = try World()
        var second = try World()
        let change = Change.submit(
            try (0..<20).map { Submission(name: try UnitName("u\($0).service"), text: World.simple) },
            target: .launched,
            replace: .keep
        )
        #expect(try first.plan(change) == second.plan(change))
    }
}
