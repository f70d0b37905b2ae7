import Chaos
import Lab
import Testing

extension SystemTests {
    /// A short storm each time; `make chaos` is the long one, with another seed.
    @Suite(.serialized) struct ChaosTests {
        /// Two power cuts, a reboot, two cables, a member that hangs, twice no quorum, and fleetd killed, paused and
        /// restarted.
        private static let seed: UInt64 = 4

        @Test func fifteenFaultsLoseNothing() async throws {
            let chaos = ChaosRun(seed: Self.seed, count: 15) { print($0) }
            let outcome = try await Lab.with { lab in try await chaos.run(in: lab) }
            #expect(outcome.findings.isEmpty, "\(outcome.findings.joined(separator: "\n"))")
        }

        @Test func theSameSeedPlansTheSameFaults() {
            let plan = FaultPlan.make(seed: 3, count: 200)
            #expect(plan == FaultPlan.make(seed: 3, count: 200))
            #expect(plan != FaultPlan.make(seed: 4, count: 200))
            #expect(Set(plan.map(\.kind)) == Set(Fault.Kind.allCases))
            #expect(Set(plan.map(\.machine)) == Set(0..<FaultPlan.machines))
        }
    }
}
