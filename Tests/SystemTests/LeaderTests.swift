import Lab
import Testing

extension SystemTests {
    /// The fleetd that leads goes, or hangs, on three machines; another one leads, and units do not notice.
    @Suite(.serialized, .machines(3, etcd: 3)) struct LeaderTests {
        private static let crew = 6

        /// The crew runs once each; returns where, and as which processes.
        private func crew(_ machines: Machines) async throws -> [String: [String: Int]] {
            let running = try await machines.processes("crew@*.service")
            guard running.values.map(\.count).reduce(0, +) < Self.crew else { return running }
            let names = try await machines.startCrew("crew", Self.crew)
            return try await machines.expectOneEach(names, "crew@*.service")
        }

        /// Decisions are made again: a unit is placed and starts. On a machine whose fleetd runs: one that is silent
        /// gets units too, until its lease has ended.
        private func expectDecisions(_ machines: Machines, without absent: Fleet, _ name: String) async throws {
            let fleet = machines.others(than: absent)[0]
            let id = try fleet.machineID()
            try await fleet.start(name, UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)"))
            try await fleet.destroy(name)
        }

        @Test func sixUnitsSpreadOverThreeMachines() async throws {
            let machines = try currentMachines()
            let processes = try await crew(machines)
            // Equal machines, equal units: two each.
            #expect(processes.mapValues(\.count) == ["m1": 2, "m2": 2, "m3": 2])
            for fleet in machines.all {
                let states = try await fleet.states()
                #expect(states.values.filter { $0 == .running }.count == Self.crew)
            }
        }

        @Test func anotherLeadsWithinTheLeaseAfterAKill() async throws {
            let machines = try currentMachines()
            let before = try await crew(machines)
            let leader = try await machines.leader()
            let record = try await machines.leaderRecord()
            let killed = ContinuousClock.now
            try await leader.machine.shell("systemctl kill --kill-whom=main --signal=KILL fleetd.service")
            try await machines.eventually("a new leadership", within: Machines.leadershipLease + Machines.leaseMargin) {
                let now = try await machines.leaderRecord()
                guard let now, now != record else { throw NotYet("\(now ?? "no leader")") }
            }
            print("new leader \(ContinuousClock.now - killed) after kill -9 (lease 5 s)")
            try await expectDecisions(machines, without: leader, "after-kill.service")
            try await machines.waitUntilComplete()
            #expect(try await machines.processes("crew@*.service") == before)
        }

        @Test func anotherLeadsAtOnceAfterACleanStop() async throws {
            let machines = try currentMachines()
            let before = try await crew(machines)
            let leader = try await machines.leader()
            try await leader.machine.shell("systemctl stop fleetd.service fleetd.socket")
            // The stop has given the leadership up: what remains is one election, not a lease.
            let stopped = ContinuousClock.now
            try await machines.newLeader(after: leader, within: .seconds(2))
            print("new leader \(ContinuousClock.now - stopped) after a clean stop")
            try await expectDecisions(machines, without: leader, "after-stop.service")
            try await leader.machine.shell("systemctl start fleetd.socket fleetd.service")
            try await machines.waitUntilComplete()
            #expect(try await machines.processes("crew@*.service") == before)
        }

        /// fleetd is stopped in its tracks for longer than all its leases. When it goes on, it has a head full of
        /// decisions that are no longer its to make.
        @Test func aLeaderThatWakesUpChangesNothing() async throws {
            let machines = try currentMachines()
            for fleet in machines.all {
                // Longer than the pause: systemd's watchdog would make an end of it, which is another test.
                try await fleet.machine.shell(
                    """
                    mkdir -p /run/systemd/system/fleetd.service.d
                    printf '[Service]\\nWatchdogSec=5min\\n' >/run/systemd/system/fleetd.service.d/watchdog.conf
                    systemctl daemon-reload && systemctl restart fleetd.service
                    """
                )
            }
            try await machines.waitUntilComplete()
            _ = try await crew(machines)
            let leader = try await machines.leader()
            let others = machines.others(than: leader)
            let fleetd = try await leader.mainProcess(of: "fleetd.service")
            try await leader.machine.shell("kill -STOP \(fleetd)")
            try await machines.newLeader(after: leader, within: Machines.leadershipLease + Machines.leaseMargin)
            try await others[0].start("while-paused.service", UnitText.sleeper)
            let names = (1...Self.crew).map { "crew@\($0).service" } + ["while-paused.service"]
            // The machine is as good as lost: its units run elsewhere when its lease has ended.
            try await machines.eventually("all units run on the others", within: .seconds(30)) {
                let found = try await machines.processes("*.service", on: others)
                let missing = names.filter { name in !found.values.contains { $0[name] != nil } }
                guard missing.isEmpty else { throw NotYet("missing: \(missing)") }
            }
            // Not a wait: the time of the pause is what is tested, twice the lease of a machine in all.
            try await ContinuousClock().sleep(for: .seconds(8))
            let before = try await machines.processes("*@*.service", on: others)
            let now = try await machines.leaderRecord()
            try await leader.machine.shell("kill -CONT \(fleetd)")
            try await machines.expectOneEach(names.dropLast(), "crew@*.service", on: others)
            try await machines.waitUntilComplete()
            #expect(try await machines.processes("*@*.service", on: others) == before, "the old leader moved units")
            #expect(try await machines.leaderRecord() == now, "the old leader took the leadership back")
            #expect(try await leader.mainProcess(of: "fleetd.service") == fleetd)
            try await leader.machine.eventually("the old leader says that it leads no more") {
                let journal = try await leader.machine.shell("journalctl --boot --unit=fleetd.service --output=cat")
                guard journal.contains("leads no more") else { throw NotYet(String(journal.suffix(500))) }
            }
            try await machines.destroy(["while-paused.service"], "while-paused.service")
        }
    }
}
