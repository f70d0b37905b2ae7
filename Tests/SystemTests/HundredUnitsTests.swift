import Lab
import Testing

extension SystemTests {
    /// A hundred units on four machines, with etcd on the first one only: the others can go without etcd noticing.
    @Suite(.serialized, .machines(4, etcd: 1)) struct HundredUnitsTests {
        private func crew(_ machines: Machines) async throws -> [String] {
            let names = (1...100).map { "hundred@\($0).service" }
            let running = try await machines.processes("hundred@*.service")
            if running.values.map(\.count).reduce(0, +) == names.count { return names }
            return try await machines.startCrew("hundred", names.count)
        }

        @Test func everyFleetdIsRestartedOneAfterTheOther() async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await machines.processes("hundred@*.service")
            // Equal machines, equal units.
            #expect(before.values.map(\.count) == [25, 25, 25, 25])
            for fleet in machines.all {
                try await fleet.machine.shell("systemctl restart fleetd.service")
                try await fleet.waitUntilReady(machines: machines.all.count)
            }
            for fleet in machines.all { try await fleet.expect(names, .running) }
            #expect(try await machines.processes("hundred@*.service") == before)
        }

        @Test func theLeadersMachineLosesPowerWhileItMovesUnits() async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let leader = machines.all[3], lost = machines.all[2], left = Array(machines.all[0...1])
            try await machines.makeLeader(leader)
            let first = left[0].machine
            // Ends with the first assignment that is written on the remaining machines.
            let watch = Task {
                // Not `| head -n 1`: etcdctl would notice at its second line only that nobody reads it.
                try await first.shell(
                    """
                    etcdctl watch --prefix /fleet/assignments/ >/run/moves & pid=$!
                    until [ -s /run/moves ]; do sleep 0.01; done
                    kill $pid
                    """
                )
            }
            try await lost.machine.powerCut()
            let cut = ContinuousClock.now
            _ = try await watch.value
            try await leader.machine.powerCut()
            print("the leader lost power \(ContinuousClock.now - cut) after the first machine")
            // The leadership's lease and the machine's end side by side, and etcd is not touched.
            let bound = Machines.machineLease + Machines.leaseMargin + .seconds(3)
            try await machines.expectOneEach(names, "hundred@*.service", on: left, within: bound)
            try await left[0].expect(names, .running)
            try await concurrently([lost, leader]) { try await $0.machine.bootAgain() }
            try await machines.waitUntilComplete()
            try await machines.expectOneEach(names, "hundred@*.service", on: left)
        }
    }
}
