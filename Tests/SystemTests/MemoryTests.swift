import FoundationEssentials
import Lab
import Testing

extension SystemTests {
    /// What is remembered where: by a machine that boots without a registry, and by the registry when the leader goes.
    @Suite(.serialized, .machines(3, etcd: 3)) struct MemoryTests {
        /// An ordinary unit is started from what the machine was assigned last. One that may run once only is not:
        /// nobody can say whether it runs elsewhere by now.
        @Test func aBootWithoutARegistryStartsTheLastAcceptedUnits() async throws {
            let machines = try currentMachines()
            let victim = machines.all[2]
            let here = "MachineID=\(try victim.machineID())"
            try await victim.start("plain.service", UnitText.service("/bin/sleep infinity", fleet: here))
            let once = UnitText.service("/bin/sleep infinity", fleet: "\(here)\nAtMostOnce=yes")
            try await victim.start("sole.service", once)
            try await concurrently(machines.etcd.members) { try await machines.etcd.stop($0) }
            try await victim.machine.powerCut()
            try await victim.machine.bootAgain()
            let units = try await victim.machine.eventually("plain.service runs") {
                let found = try await victim.mainProcesses("*.service")
                guard found["plain.service"] != nil else { throw NotYet("\(found)") }
                return found
            }
            #expect(units["sole.service"] == nil)
            // Not a wait: for so long it does not run.
            try await ContinuousClock().sleep(for: .seconds(5))
            let later = try await victim.mainProcesses("*.service")
            #expect(later["plain.service"] == units["plain.service"] && later["sole.service"] == nil, "\(later)")
            try await concurrently(machines.etcd.members) { try await machines.etcd.resume($0) }
            try await machines.waitUntilComplete()
            for fleet in machines.all { try await fleet.expect(["plain.service", "sole.service"], .running) }
            let process = try await victim.mainProcess(of: "plain.service")
            #expect(process == units["plain.service"], "the registry's return restarted it")
            for name in ["plain.service", "sole.service"] { try await machines.destroy([name], name) }
        }

        /// Failures and the next try are in the registry: a new leader goes on counting, and waits as long.
        @Test func aNewLeaderGoesOnCountingFailures() async throws {
            let machines = try currentMachines()
            let text = UnitText.service(
                "/bin/bash -c 'echo $EPOCHREALTIME >>/run/tally.began; exit 1'",
                fleet: "RescheduleDelaySec=4s\nRescheduleLimit=4\nMachineID=\(try machines.all[0].machineID())"
            )
            let paths = try await machines.all[1].write([("tally.service", text)])
            _ = try await machines.all[1].ctl(["start"] + paths)
            func beginnings() async throws -> Int {
                try await machines.all[0].machine.shell("cat /run/tally.began || true").split(separator: "\n").count
            }
            try await machines.all[0].machine.eventually("has been tried twice", within: .seconds(30)) {
                let count = try await beginnings()
                guard count >= 2 else { throw NotYet("\(count)") }
            }
            let leader = try await machines.leader()
            try await leader.machine.shell("systemctl kill --signal=KILL fleetd.service")
            let why = try await machines.all[1].expectWhy("tally.service", says: "given up", within: .seconds(90))
            #expect(why.contains("failed 4 times"), "\(why)")
            #expect(try await beginnings() == 4)
            let events = try await machines.all[1].ctl(["events", "-n", "50", "--json", "tally.service"]).checked()
            #expect(events.lines.count >= 5 && events.standardOutput.contains("given up"), "\(events)")
            try await machines.destroy(["tally.service"], "tally.service")
        }
    }
}
