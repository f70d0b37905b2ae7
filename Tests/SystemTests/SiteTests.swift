import Lab
import Testing

extension SystemTests {
    /// The power of a whole site fails, with etcd's members on the machines' disks.
    @Suite(.serialized, .machines(3, etcd: 3)) struct SiteTests {
        private static let pattern = "site@*.service"

        /// The machines boot some seconds apart, so that the first two have a registry and a leader while the third is
        /// still on its way: every unit runs on its own machine again.
        @Test func everyUnitIsBackOnItsOwnMachine() async throws {
            let machines = try currentMachines()
            let names = try await machines.startCrew("site", 9)
            let before = try await machines.processes(Self.pattern).mapValues { Set($0.keys) }
            try await concurrently(machines.all) { try await $0.machine.powerCut() }
            for fleet in machines.all {
                try await fleet.machine.bootAgain()
                // Not a wait: how far apart the machines boot is what is tested. Longer than a lease lives.
                try await ContinuousClock().sleep(for: Machines.machineLease + .seconds(5))
            }
            try await machines.waitUntilComplete()
            _ = try await machines.expectOneEach(names, Self.pattern, on: machines.all, within: .seconds(30))
            let after = try await machines.processes(Self.pattern).mapValues { Set($0.keys) }
            #expect(after == before, "a unit was moved")
            try await machines.destroy(names, Self.pattern)
        }
    }
}
