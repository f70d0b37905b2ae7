import Testing

@testable import FleetAgent

/// Promises that hold whatever happens, on worlds made of dice. A seed that breaks one stays in the list.
@Suite struct PropertyTests {
    /// A seed to look at.
    static let traced: UInt64? = nil

    @Test(arguments: 0..<20 as Range<UInt64>)
    func keepsItsPromises(block: UInt64) {
        for seed in block * 25..<(block + 1) * 25 {
            var world = RandomWorld(seed: seed)
            world.isTraced = Self.traced == seed
            world.restartFleetd()
            var inputs = 0
            while inputs < 250, world.problems.isEmpty {
                world.tick()
                inputs += 1
            }
            world.settleDown()
            world.audit()
            // Fewer than one operation per event: nothing is repeated for its own sake.
            if world.operations > inputs + 60 { world.problems.append("\(world.operations) operations") }
            if let problem = world.problems.first {
                Issue.record("seed \(seed): \(problem) (of \(world.problems.count))")
                return
            }
        }
    }
}
