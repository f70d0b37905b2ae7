import FoundationEssentials
import Lab
import Testing

extension SystemTests {
    /// etcd goes, in part or as a whole, on three machines. Nothing that runs may notice (promise P1).
    @Suite(.serialized, .machines(3, etcd: 3)) struct RegistryOutageTests {
        enum Outage: String, CaseIterable, Sendable {
            case allStopped, quorumLost, allHang

            func begin(_ etcd: Etcd) async throws {
                let members = self == .quorumLost ? Array(etcd.members.dropFirst()) : etcd.members
                try await concurrently(members) { member in
                    if self == .allHang { try await etcd.pause(member) } else { try await etcd.stop(member) }
                }
            }

            func end(_ etcd: Etcd) async throws {
                let members = self == .quorumLost ? Array(etcd.members.dropFirst()) : etcd.members
                try await concurrently(members) { member in
                    if self == .allHang { try await etcd.unpause(member) } else { try await etcd.resume(member) }
                }
            }

            /// Longer than every lease; the one that people see most, for a minute.
            var length: Duration { self == .allStopped ? .seconds(Self.minute) : .seconds(20) }

            /// `FLEET_OUTAGE_SECONDS` makes it as long as somebody has time for.
            private static let minute =
                ProcessInfo.processInfo.environment["FLEET_OUTAGE_SECONDS"].flatMap { Int($0) } ?? 60
        }

        /// What must not change: the crew's processes, and fleetd's.
        private func processes(_ machines: Machines) async throws -> [String: [String: Int]] {
            let all = try await machines.processes("*.service")
            return all.mapValues { $0.filter { $0.key.hasPrefix("calm@") || $0.key == "fleetd.service" } }
        }

        /// How often fleetd's thread of libdispatch has gone to sleep. Once somebody sleeps by `Task.sleep`, it wakes
        /// up every second for as long as fleetd lives.
        private func wakeUps(_ fleet: Fleet) async throws -> Int {
            let count = try await fleet.machine.shell(
                """
                for task in /proc/$(systemctl show -P MainPID fleetd)/task/*; do
                    grep -q qos $task/comm && awk '/^voluntary/ { print $2 }' $task/status
                done; true
                """
            )
            return count.split(separator: "\n").compactMap { Int($0) }.reduce(0, +)
        }

        private func crew(_ machines: Machines) async throws -> [String] {
            let names = (1...9).map { "calm@\($0).service" }
            let running = try await machines.processes("calm@*.service")
            if running.values.map(\.count).reduce(0, +) == names.count { return names }
            return try await machines.startCrew("calm", names.count)
        }

        /// About as long as a lease: when etcd goes on, it ends the leases that were due early, and others live on.
        @Test(arguments: [8]) func aShortHangMovesNothing(seconds: Int) async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await processes(machines)
            try await Outage.allHang.begin(machines.etcd)
            // Not a wait: the length of the hang is what is tested.
            try await ContinuousClock().sleep(for: .seconds(seconds))
            try await Outage.allHang.end(machines.etcd)
            try await machines.expectWritable(names[0])
            try await machines.waitUntilComplete()
            // Not a wait: as long as leases and those who wait for them take, nothing moves.
            try await ContinuousClock().sleep(for: Machines.machineLease + .seconds(3))
            for fleet in machines.all { try await fleet.expect(names, .running) }
            #expect(try await processes(machines) == before, "the hang stopped or started something")
        }

        @Test(arguments: Outage.allCases) func nothingThatRunsNotices(outage: Outage) async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await processes(machines)
            #expect(before.values.map(\.count).reduce(0, +) == names.count + 3)
            let sleepy = try await wakeUps(machines.all[0])
            let start = ContinuousClock.now
            try await outage.begin(machines.etcd)
            for fleet in machines.all {
                // etcd_request_timeout's default is 5 s, and a silent connection has to be found out first. Until then
                // a change may be on its way, and be done when the registry is back: this one has nothing to change.
                try await fleet.machine.eventually("a change is refused with the reason", within: .seconds(30)) {
                    let refusal = try await fleet.ctl(["reset-failed", "calm@1.service"], limit: .seconds(30))
                    guard refusal.status == 1, refusal.standardError.contains("registry") else {
                        throw NotYet("\(refusal)")
                    }
                }
                // What was read last can still be looked at.
                let states = try await fleet.states()
                #expect(names.allSatisfy { states[$0] == .running }, "\(states)")
            }
            print("read-only on three machines \(ContinuousClock.now - start) after the outage began")
            if ContinuousClock.now < start + outage.length {
                // Not a wait: the length of the outage is what is tested.
                try await ContinuousClock().sleep(until: start + outage.length)
            }
            #expect(try await processes(machines) == before, "something was stopped or started")
            try await outage.end(machines.etcd)
            let end = ContinuousClock.now
            try await machines.expectWritable(names[0])
            try await machines.waitUntilComplete()
            for fleet in machines.all { try await fleet.expect(names, .running) }
            try await machines.all[1].start("again.service", UnitText.sleeper)
            print("works again \(ContinuousClock.now - end) after the outage ended")
            try await machines.destroy(["again.service"], "again.service")
            #expect(try await processes(machines) == before, "the end of the outage stopped or started something")
            let woken = try await wakeUps(machines.all[0]) - sleepy
            #expect(woken < 10, "libdispatch's thread has woken up \(woken) times")
        }

        @Test func aFleetdThatStartsWithoutARegistryLeavesUnitsAlone() async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await machines.processes("calm@*.service")
            try await Outage.allStopped.begin(machines.etcd)
            for fleet in machines.all { try await fleet.machine.shell("systemctl restart fleetd.service") }
            for fleet in machines.all {
                let list = try await fleet.ctl(["list-units"], limit: .seconds(30))
                #expect(list.status == 1 && list.standardError.contains("registry"), "\(list)")
            }
            try await Outage.allStopped.end(machines.etcd)
            try await machines.waitUntilComplete()
            try await machines.all[0].expect(names, .running)
            #expect(try await machines.processes("calm@*.service") == before)
        }

        @Test func aMemberIsKilledPausedAndReplacedUnderLoad() async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await machines.processes("calm@*.service")
            let etcd = machines.etcd
            try await machines.all[0].ctl(["submit"] + machines.all[0].write([("load@.service", UnitText.sleeper)]))
                .checked()
            // Units come and go at machine 1 all the time; each step may take a fail-over, none may fail for good.
            let end = Flag()
            let load = Task {
                var rounds = 0
                while await !end.isUp {
                    let unit = "load@\(rounds).service"
                    for action in ["start", "destroy"] {
                        _ = try await machines.eventually("\(action) \(unit)", within: .seconds(30)) {
                            try await machines.all[0].ctl([action, unit], limit: .seconds(30)).checked()
                        }
                    }
                    rounds += 1
                }
                return rounds
            }
            let victim = try await etcd.leader()
            try await etcd.kill(victim)
            try await etcd.waitUntilWritable()
            let second = try await etcd.leader()
            try await etcd.pause(second)
            // Not a wait: longer than a member may hang before it is given up, which is what is tested.
            try await ContinuousClock().sleep(for: .seconds(4))
            try await etcd.unpause(second)
            try await etcd.waitUntilWritable()
            try await etcd.replace(machines.all[2].machine)
            await end.raise()
            let rounds = try await load.value
            print("\(rounds) units started and destroyed while a member was killed, paused and replaced")
            // After two seconds without the registry nobody leads for six: there is time for few.
            #expect(rounds > 0)
            try await machines.waitUntilComplete()
            try await machines.all[2].expect(names, .running)
            #expect(try await machines.processes("calm@*.service") == before)
        }
    }
}

/// Tells a task that it is over at the end of its round, where a cancellation would tear it out of it.
private actor Flag {
    private(set) var isUp = false

    func raise() { isUp = true }
}
