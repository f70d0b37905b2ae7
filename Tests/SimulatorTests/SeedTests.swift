import FleetSimulator
import Testing

/// Seeds on which nothing may be found. `make sim` runs many more.
@Suite struct SeedTests {
    /// Enough to meet every fault many times, and few enough for every build.
    static let seeds: ClosedRange<UInt64> = 1...300

    @Test func nothingIsFound() async {
        let findings = await Seeds.run(Self.seeds.map(SimOptions.small))
        for outcome in findings {
            let seed = outcome.options.seed
            let finding = outcome.finding.map { "\($0)" } ?? ""
            Issue.record("seed \(seed): \(finding)\nreplay: fleet-sim --small --seed \(seed) --trace")
        }
    }

    /// The same with units that have health checks, some of them sick on some machines.
    @Test func nothingIsFoundOfSickUnits() async {
        let options = (1...100 as ClosedRange<UInt64>).map { seed in
            var options = SimOptions.small(seed: seed)
            options.checks = 600
            return options
        }
        for outcome in await Seeds.run(options) {
            let seed = outcome.options.seed
            let finding = outcome.finding.map { "\($0)" } ?? ""
            Issue.record("seed \(seed): \(finding)\nreplay: fleet-sim --small --checks 600 --seed \(seed) --trace")
        }
    }

    /// The same with units that keep to data, of which some fail, share them, or are moved without them.
    @Test func nothingIsFoundOfUnitsWithData() async {
        let options = (1...100 as ClosedRange<UInt64>).map { seed in
            var options = SimOptions.small(seed: seed)
            options.volumes = 600
            return options
        }
        for outcome in await Seeds.run(options) {
            let seed = outcome.options.seed
            let finding = outcome.finding.map { "\($0)" } ?? ""
            Issue.record("seed \(seed): \(finding)\nreplay: fleet-sim --small --volumes 600 --seed \(seed) --trace")
        }
    }

    @Test(arguments: [1, 7, 42, 181] as [UInt64]) func aSeedHasOneHistory(seed: UInt64) {
        let first = Simulation.run(.small(seed: seed))
        #expect(Simulation.run(.small(seed: seed)) == first)
    }

    @Test func aTraceChangesNothing() {
        var lines = 0
        let traced = Simulation.run(.small(seed: 5), print: { _ in lines += 1 })
        #expect(traced == Simulation.run(.small(seed: 5)))
        #expect(lines > 100)
    }
}
