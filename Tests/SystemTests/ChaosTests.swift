import Chaos
import Lab
import Testing

extension SystemTests {
    /// A short storm each time; `make chaos` is the long one, with another seed.
    @Suite(.serialized) struct ChaosTests {
        /// Power cuts, a reboot, a cable, etcd's members and fleetd, on machines with and without a member.
        private static let seed: UInt64 = 7

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
