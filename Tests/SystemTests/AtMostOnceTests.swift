import Lab
import Testing

extension SystemTests {
    /// `AtMostOnce=` under everything that can come between a machine and the fleet. What is believed are the marks
    /// that the unit's own processes leave on each machine, by the one clock of the host.
    @Suite(.serialized, .machines(3, etcd: 3, with: ["libfaketime"], configuration: "agent_ttl=5s\n"))
    struct AtMostOnceTests {
        static let lease = Duration.seconds(5)
        static let unit = "only.service"
        static let marks = "/var/tmp/only.marks"

        /// Leaves a mark every hundredth of a second, and does not go before it is killed.
        private static let text = UnitText.service(
            Life.command(marks: marks, stubborn: "trap \"\" TERM;"),
            fleet: "AtMostOnce=yes"
        )

        enum Blow: String, CaseIterable, CustomTestStringConvertible {
            case cableUnplugged, cableSilent, fleetdFrozen, fleetdKilled, packageRemoved, powerCut, machineFrozen

            var testDescription: String { rawValue }

            /// The unit's machine is on its own from here on.
            func strike(_ fleet: Fleet) async throws {
                let machine = fleet.machine
                switch self {
                case .cableUnplugged: try await machine.cutCable(.unplugged)
                case .cableSilent: try await machine.cutCable(.silent)
                case .fleetdFrozen:
                    try await machine.shell("systemctl kill --kill-whom=main --signal=STOP fleetd.service")
                case .fleetdKilled:
                    try await machine.shell(
                        "systemctl mask --runtime fleetd.service fleetd.socket; "
                            + "systemctl kill --kill-whom=main --signal=KILL fleetd.service"
                    )
                case .packageRemoved: try await machine.shell("dpkg --remove fleetd")
                case .powerCut: try await machine.powerCut()
                case .machineFrozen: try machine.freeze()
                }
            }

            func mend(_ fleet: Fleet) async throws {
                let machine = fleet.machine
                switch self {
                case .cableUnplugged, .cableSilent: try await machine.mendCable()
                case .fleetdFrozen:
                    try await machine.shell("systemctl kill --kill-whom=main --signal=CONT fleetd.service")
                case .fleetdKilled:
                    try await machine.shell(
                        "systemctl unmask --runtime fleetd.service fleetd.socket; "
                            + "systemctl start fleetd.socket fleetd.service"
                    )
                case .packageRemoved: try await machine.install(DebPackage.built())
                case .powerCut: try await machine.bootAgain()
                case .machineFrozen: try machine.thaw()
                }
            }
        }

        func lives(_ machines: Machines) async throws -> [Life] {
            try await Life.all(marks: Self.marks, on: machines.all.map(\.machine))
        }

        /// By how much two lives overlap at most, in seconds; negative when there is time between any two.
        func overlap(_ lives: [Life]) -> Double { Life.smallestGap(lives).map { -$0 } ?? -1 }

        func running(_ machines: Machines) async throws -> Fleet {
            let names = try await machines.processes(Self.unit).filter { $0.value[Self.unit] != nil }.map(\.key)
            if names.isEmpty { try await machines.all[0].start(Self.unit, Self.text) }
            return try await machines.eventually("\(Self.unit) runs") { try await machines.place(of: Self.unit) }
        }

        @Test(arguments: Blow.allCases) func neverTwice(_ blow: Blow) async throws {
            let machines = try currentMachines()
            let victim = try await running(machines)
            for fleet in machines.all { try await fleet.machine.shell("rm -f \(Self.marks)") }
            _ = try await victim.machine.eventually("it leaves marks") {
                guard try await !self.lives(machines).isEmpty else { throw NotYet("no marks") }
            }
            let others = machines.others(than: victim)
            try await blow.strike(victim)
            let struck = ContinuousClock.now
            try await machines.eventually("it runs elsewhere", within: Self.lease * 2 + .seconds(10)) {
                let found = try await machines.processes(Self.unit, on: others)
                guard found.values.contains(where: { $0[Self.unit] != nil }) else { throw NotYet("\(found)") }
            }
            let took = ContinuousClock.now - struck
            // Not a wait: this long it runs elsewhere while its first machine is on its own.
            try await ContinuousClock().sleep(for: .seconds(2))
            try await blow.mend(victim)
            try await machines.waitUntilComplete()
            try await machines.etcd.waitUntilWhole()
            let place = try await machines.eventually("it runs in one place") {
                try await machines.place(of: Self.unit)
            }
            #expect(place.machine.name != victim.machine.name, "it was moved back")
            let lives = try await lives(machines)
            #expect(Set(lives.map(\.machine)).count == 2, "marks of both machines are what this rests on: \(lives)")
            let overlap = overlap(lives)
            print("\(blow): elsewhere after \(took), \(lives.count) lives, the closest \(-overlap) s apart: \(lives)")
            guard blow == .machineFrozen else {
                #expect(overlap < 0)
                return
            }
            // It goes on together with its systemd, which cannot be helped (docs/at-most-once.md).
            let ghost = lives.last { $0.machine == victim.machine.name }
            let resumption = ghost.map { $0.last - ($0.woken ?? $0.first) } ?? 0
            print("after the thaw the old process left marks for \(resumption) s")
            #expect(resumption < 0.5, "a moment, on a host with other work")
        }

        @Test func withoutARegistryItStopsAndComesBackOnce() async throws {
            let machines = try currentMachines()
            _ = try await running(machines)
            for fleet in machines.all { try await fleet.machine.shell("rm -f \(Self.marks)") }
            try await machines.all[0].start("free.service", UnitText.sleeper)
            let free = try await machines.processes("free.service")
            for fleet in machines.all { try await machines.etcd.stop(fleet.machine) }
            try await machines.eventually("it has stopped", within: Self.lease) {
                let found = try await machines.processes(Self.unit)
                guard !found.values.contains(where: { $0[Self.unit] != nil }) else { throw NotYet("\(found)") }
            }
            #expect(try await machines.processes("free.service") == free, "an ordinary unit was touched")
            for fleet in machines.all { try await machines.etcd.resume(fleet.machine) }
            try await machines.waitUntilComplete()
            try await machines.etcd.waitUntilWhole()
            try await machines.eventually("it runs again", within: .seconds(40)) {
                _ = try await machines.place(of: Self.unit)
            }
            #expect(try await machines.processes("free.service") == free, "an ordinary unit was touched")
            let lives = try await lives(machines)
            print("etcd lost: \(lives)")
            #expect(overlap(lives) < 0)
            try await machines.destroy(["free.service"], "free.service")
        }

        @Test func aLeaderThatIsLostIsNoMatter() async throws {
            let machines = try currentMachines()
            let place = try await running(machines)
            let elsewhere = machines.others(than: place)[0]
            try await machines.makeLeader(elsewhere)
            // With a lease of 5 s, etcd's own election would take long enough for the fence to come down.
            try await machines.etcd.makeLeader(place.machine)
            let before = try await machines.processes(Self.unit)
            try await elsewhere.machine.powerCut()
            try await machines.newLeader(after: elsewhere, within: .seconds(15))
            #expect(try await machines.processes(Self.unit) == before.filter { $0.key != elsewhere.machine.name })
            try await elsewhere.machine.bootAgain()
            try await machines.waitUntilComplete()
            try await machines.etcd.waitUntilWhole()
            #expect(try await machines.place(of: Self.unit).machine.name == place.machine.name)
        }

        /// A virtual machine that was copied has the id of the one that it is a copy of. It runs nothing of that
        /// one's, at most once or not, however long it is there.
        @Test func aCopyOfItsMachineRunsNothing() async throws {
            let machines = try currentMachines()
            let place = try await running(machines)
            let copy = machines.others(than: place)[0]
            let (id, own) = (try place.machineID(), try copy.machineID())
            try await place.start("free.service", UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)"))
            func processes() async throws -> [[String: [String: Int]]] {
                [try await machines.processes(Self.unit), try await machines.processes("free.service")]
            }
            let before = try await processes()
            for fleet in machines.all { try await fleet.machine.shell("rm -f \(Self.marks)") }
            let start = "systemctl start fleetd.socket fleetd.service"
            let stop = "systemctl stop fleetd.socket fleetd.service; rm -f /run/fleet/lease"
            try await copy.machine.shell("\(stop); echo \(id) >/etc/machine-id; \(start)")
            _ = try await copy.machine.eventually("it is refused, and says how to go on", within: Self.lease * 4) {
                // The journal is in the folder of the other id.
                let journal = try await copy.machine.shell(
                    "journalctl --merge --unit=fleetd.service --output=cat"
                )
                guard journal.contains("has this machine's id \(id)"), journal.contains("systemd-machine-id-setup")
                else { throw NotYet(String(journal.suffix(500))) }
            }
            #expect(try await processes() == before)
            #expect(Set(try await lives(machines).map(\.machine)) == [place.machine.name])
            try await copy.machine.shell("\(stop); echo \(own) >/etc/machine-id; \(start)")
            try await machines.waitUntilComplete()
            #expect(try await processes() == before)
            try await machines.destroy(["free.service"], "free.service")
        }

        /// fleetd's own restart is quicker than the fence.
        @Test func aRestartOfFleetdIsNotNoticed() async throws {
            let machines = try currentMachines()
            let place = try await running(machines)
            let before = try await place.mainProcess(of: Self.unit)
            for _ in 0..<3 {
                try await place.machine.shell("systemctl restart fleetd.service")
                try await machines.waitUntilComplete()
            }
            // Not a wait: longer than a fence that nobody sets again.
            try await ContinuousClock().sleep(for: Self.lease)
            #expect(try await place.mainProcess(of: Self.unit) == before)
            #expect(try await machines.place(of: Self.unit).machine.name == place.machine.name)
        }
    }
}
