import FleetSimulator
import Testing

/// A simulator that finds nothing proves nothing: each planted mistake has to be found.
@Suite struct PlantedBugTests {
    static let mostSeeds: UInt64 = 2000

    /// What is found counts only if it is not there without the mistake.
    @Test(arguments: PlantedBug.allCases) func isFound(bug: PlantedBug) {
        for seed in 1...Self.mostSeeds {
            let scenario = bug.scenario(seed: seed)
            guard let finding = Simulation.run(scenario, bug: bug).finding, Simulation.run(scenario).finding == nil
            else { continue }
            print("\(bug.rawValue): found with seed \(seed): \(finding.rule.rawValue)")
            return
        }
        Issue.record("\(bug.rawValue) was not found in \(Self.mostSeeds) seeds")
    }
}
