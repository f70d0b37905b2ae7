import Lab
import Testing

extension SystemTests {
    /// Units and machines that are lost, on three machines: what runs elsewhere, and when.
    @Suite(.serialized, .machines(3, etcd: 3)) struct MachineLossTests {
        /// Writes down when it began, and runs while its machine does not have a reason not to.
        private static func moody(_ name: String, fleet: String) -> String {
            UnitText.service(
                "/bin/bash -c 'echo $EPOCHREALTIME >>/run/\(name).began; test ! -e /run/bad-for-\(name) "
                    + "&& exec sleep infinity; exit 1'",
                fleet: fleet
            )
        }

        /// Every beginning of a unit's process on any machine, in seconds, oldest first.
        private func beginnings(_ machines: Machines, _ name: String) async throws -> [Double] {
            try await concurrently(machines.all) { try await $0.machine.shell("cat /run/\(name).began || true") }
                .flatMap { $0.split(separator: "\n") }.compactMap { Double($0) }.sorted()
        }

        @Test func aUnitThatFailsForGoodRunsElsewhereAtOnce() async throws {
            let machines = try currentMachines()
            try await machines.all[0].start("moody.service", Self.moody("moody", fleet: ""))
            let first = try await machines.place(of: "moody.service")
            let process = try await first.mainProcess(of: "moody.service")
            let died = try await first.machine.shell(
                "touch /run/bad-for-moody; echo $(date +%s.%N); kill -9 \(process)"
            )
            let second = try await machines.eventually("moody.service runs elsewhere") {
                let place = try await machines.place(of: "moody.service")
                guard place.machine.name != first.machine.name else { throw NotYet("it is where it was") }
                return place
            }
            let began = try #require(try await beginnings(machines, "moody").last)
            let time = began - (Double(died.dropLast()) ?? 0)
            print("failed for good to running elsewhere: \(Int(time * 1000)) ms")
            // Without a delay of any kind; a second is for a host with other work.
            #expect(time > 0 && time < 1)
            let why = try await second.ctl(["why", "moody.service"]).checked().standardOutput
            #expect(why.contains("KILL") && why.contains("moved"), "\(why)")
            try await machines.destroy(["moody.service"], "moody.service")
        }

        @Test func thenItWaitsLongerEachTimeAndIsGivenUp() async throws {
            let machines = try currentMachines()
            for fleet in machines.all { try await fleet.machine.shell("touch /run/bad-for-poison") }
            // On two machines: a third would make it a bad unit, which is another test.
            let third = machines.all[2]
            try await machines.all[0].ctl(["cordon", third.machineID()]).checked()
            let text = Self.moody("poison", fleet: "RescheduleDelaySec=500ms\nRescheduleLimit=5")
            let paths = try await machines.all[1].write([("poison.service", text)])
            _ = try await machines.all[1].ctl(["start"] + paths)
            let why = try await machines.all[2].expectWhy("poison.service", says: "given up", within: .seconds(60))
            let times = try await beginnings(machines, "poison")
            let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
            print("poison.service began again after \(gaps.map { "\(Int($0 * 1000)) ms" })\n\(why)")
            // Five failures; the first retry at once, then half a second, one, two. fleetd's clock and the process's
            // are the same, so no wait is shorter than said.
            #expect(gaps.count == 4)
            if gaps.count == 4 {
                #expect(gaps[0] < 1 && gaps[1] >= 0.5 && gaps[2] >= 1 && gaps[3] >= 2 && gaps[3] < 4)
            }
            let tried = try await concurrently(machines.all) {
                try await $0.machine.shell("ls /run/poison.began || true")
            }
            #expect(tried.filter { !$0.isEmpty }.count == 2, "it was not tried on both machines")
            try await machines.destroy(["poison.service"], "poison.service")
            try await machines.all[0].ctl(["uncordon", third.machineID()]).checked()
        }

        @Test func aUnitThatFailsOnThreeMachinesIsABadUnit() async throws {
            let machines = try currentMachines()
            for fleet in machines.all { try await fleet.machine.shell("touch /run/bad-for-venom") }
            let text = Self.moody("venom", fleet: "RescheduleDelaySec=500ms")
            let paths = try await machines.all[1].write([("venom.service", text)])
            _ = try await machines.all[1].ctl(["start"] + paths)
            let why = try await machines.all[2].expectWhy("venom.service", says: "given up", within: .seconds(60))
            #expect(why.contains("3 machines"), "\(why)")
            #expect(try await beginnings(machines, "venom").count == 3)
            try await machines.destroy(["venom.service"], "venom.service")
        }

        @Test func aMachineOnWhichUnitAfterUnitFailsIsChosenLast() async throws {
            let machines = try currentMachines()
            let (faulty, others) = (machines.all[1], machines.others(than: machines.all[1]))
            let ids = try others.map { try $0.machineID() }
            let names = (1...5).map { "rot\($0)" }
            try await machines.all[0].ctl(["cordon"] + ids).checked()
            let paths = try await faulty.write(names.map { ("\($0).service", Self.moody($0, fleet: "")) })
            try await faulty.ctl(["start"] + paths).checked()
            try await machines.all[0].ctl(["uncordon"] + ids).checked()
            let last = machines.all[2]
            // Ends when it has told what is waited for, or never: then the test says what it told.
            let listener = Task {
                try await last.machine.run(
                    ["bash", "-c", "timeout 60 fleetctl events -f -n 0 | sed '/chosen last/q'"],
                    limit: .seconds(90)
                )
            }
            for name in names {
                let process = try await faulty.mainProcess(of: "\(name).service")
                try await faulty.machine.shell("touch /run/bad-for-\(name); kill -9 \(process)")
            }
            let units = names.map { "\($0).service" }
            try await machines.expectOneEach(units, "rot*.service", on: others)
            let told = try await listener.value
            #expect(
                told.standardOutput.contains("machine m2") && told.standardOutput.contains("chosen last"),
                "\(told)"
            )
            #expect(told.standardOutput.contains("rot1.service: main process killed by signal 9"), "\(told)")

            let list = try await last.ctl(["list-machines"]).checked()
            #expect(list.standardError.contains("5 units have failed on m2"), "\(list)")
            // The least loaded machine by far.
            try await machines.all[0].start("fresh.service", UnitText.sleeper)
            #expect(try await machines.place(of: "fresh.service").machine.name != faulty.machine.name)
            let short = try faulty.machineID().prefix(8)
            try await last.expectWhy("fresh.service", says: "unit after unit fails on \(short)")
            let journals = try await concurrently(machines.all) {
                try await $0.machine.shell("journalctl -u fleetd -q")
            }
            #expect(journals.contains { $0.contains("machine \(short)") && $0.contains("chosen last") })
            let stored = try await last.ctl(["events", "-n", "100", "rot1", "no@*"]).checked().lines
            #expect(stored.allSatisfy { $0.contains(" rot1.service: ") } && stored.count >= 5, "\(stored)")
            try await machines.destroy(units + ["fresh.service"], "rot*.service")
        }

        @Test func aMachineWithoutPowerLosesItsUnitsAndTakesNewOnesWhenItIsBack() async throws {
            let machines = try currentMachines()
            let names = try await machines.startCrew("lamp", 12)
            let before = try await machines.processes("lamp@*.service")
            // Neither etcd's leader nor fleet's: the machine's lease is all that counts.
            try await machines.etcd.makeLeader(machines.all[0].machine)
            let leader = try await machines.leader()
            let victim = try #require(machines.all.dropFirst().first { $0.machine.name != leader.machine.name })
            let others = machines.others(than: victim)
            let cut = ContinuousClock.now
            try await victim.machine.powerCut()
            try await machines.expectOneEach(
                names,
                "lamp@*.service",
                on: others,
                within: Machines.machineLease + Machines.leaseMargin
            )
            let time = ContinuousClock.now - cut
            print("power cut to all units running elsewhere: \(time) (lease 10 s)")
            // The lease was renewed at most a third of its time before the cut.
            #expect(time > Machines.machineLease * 2 / 3 - .milliseconds(500))
            let after = try await machines.processes("lamp@*.service")
            for fleet in others {
                for (unit, process) in before[fleet.machine.name] ?? [:] {
                    #expect(after[fleet.machine.name]?[unit] == process, "\(unit) was touched")
                }
            }
            // Not a wait: it stays in the list for longer than anybody needs to look.
            try await ContinuousClock().sleep(for: .seconds(30))
            for fleet in others {
                let list = try await fleet.ctl(["list-machines", "--no-legend", "--fields", "hostname,state,age"])
                    .checked()
                let line = list.lines.first { $0.hasPrefix(victim.machine.name) } ?? ""
                #expect(line.contains("lost") && line.contains("s"), "\(list)")
                let json = try await fleet.ctl(["list-machines", "--json"]).checked()
                #expect(json.standardOutput.contains("\"lost\""), "\(json)")
            }
            let refusal = try await others[0].ctl(["forget", others[1].machineID()])
            #expect(refusal.status == 1 && refusal.standardError.contains("is present"), "\(refusal)")
            try await others[0].ctl(["forget", victim.machine.name]).checked()
            let list = try await others[1].ctl(["list-machines", "--no-legend", "--fields", "hostname"]).checked()
            #expect(list.lines.count == 2, "\(list)")
            try await victim.machine.bootAgain()
            try await machines.waitUntilComplete()
            // What moved stays where it is: a machine that comes back is no reason to restart anything.
            try await machines.expectOneEach(names, "lamp@*.service", on: others)
            #expect(try await machines.processes("lamp@*.service", on: others) == after)
            try await victim.start("newcomer.service", UnitText.sleeper)
            #expect(try await machines.place(of: "newcomer.service").machine.name == victim.machine.name)
            try await machines.destroy(names + ["newcomer.service"], "lamp@*.service")
        }

        @Test func aMachineThatIsShutDownHandsItsUnitsOverAtOnce() async throws {
            let machines = try currentMachines()
            let names = try await machines.startCrew("shift", 6)
            let leader = try await machines.leader()
            let victim = try #require(machines.all.dropFirst().first { $0.machine.name != leader.machine.name })
            let others = machines.others(than: victim)
            let id = try victim.machineID()
            // It would wait for the lock of a machine that is lost.
            try await victim.start("lone.service", UnitText.service("/bin/sleep infinity", fleet: "AtMostOnce=yes"))
            try await machines.all[0].ctl(["move", "lone.service", id]).checked()
            let start = ContinuousClock.now
            try await victim.machine.shutDown()
            try await machines.expectOneEach(names, "shift@*.service", on: others, within: .seconds(5))
            _ = try await machines.eventually("lone.service runs elsewhere", within: .seconds(5)) {
                try await machines.place(of: "lone.service")
            }
            print("shutdown begun to all units running elsewhere: \(ContinuousClock.now - start)")
            try await victim.machine.bootAgain()
            try await machines.waitUntilComplete()
            try await machines.destroy(names + ["lone.service"], "shift@*.service")
        }

        @Test(arguments: CableCut.allCases) func aMachineWithoutACableKeepsItsUnitsAndGivesThemUpWhenItIsBack(
            cut: CableCut
        ) async throws {
            let machines = try currentMachines()
            let names = try await machines.startCrew("rope", 6)
            try await machines.etcd.makeLeader(machines.all[0].machine)
            let leader = try await machines.leader()
            let victim = try #require(machines.all.dropFirst().first { $0.machine.name != leader.machine.name })
            let others = machines.others(than: victim)
            let id = try victim.machineID()
            try await victim.start("bound.service", UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)"))
            try await victim.start("global.service", UnitText.service("/bin/sleep infinity", fleet: "Global=true"))
            let before = try await machines.processes("*.service")[victim.machine.name] ?? [:]
            let fleetd = try #require(before["fleetd.service"])
            let own = before.filter { names.contains($0.key) || ["bound.service", "global.service"].contains($0.key) }
            let start = ContinuousClock.now
            try await victim.machine.cutCable(cut)
            try await machines.eventually(
                "its units run elsewhere",
                within: Machines.machineLease + Machines.leaseMargin
            ) {
                let found = try await machines.processes("rope@*.service", on: others)
                let missing = names.filter { name in !found.values.contains { $0[name] != nil } }
                guard missing.isEmpty else { throw NotYet("missing: \(missing)") }
            }
            print("cable cut (\(cut)) to all units running elsewhere: \(ContinuousClock.now - start)")
            let during = try await machines.processes("*.service", on: [victim])[victim.machine.name] ?? [:]
            for (unit, process) in own { #expect(during[unit] == process, "the cut machine has touched \(unit)") }
            #expect(during["fleetd.service"] == fleetd, "fleetd did not live through it")
            let refusal = try await victim.ctl(["stop", "bound.service"])
            #expect(refusal.status == 1 && refusal.standardError.contains("registry"), "\(refusal)")
            let elsewhere = try await machines.processes("rope@*.service", on: others)
            try await victim.machine.mendCable()
            // Its connection was silent; finding that out and connecting again is a matter of seconds.
            try await machines.expectOneEach(names, "rope@*.service", on: others, within: .seconds(20))
            try await machines.waitUntilComplete()
            #expect(try await machines.processes("rope@*.service", on: others) == elsewhere)
            let after = try await machines.processes("*.service", on: [victim])[victim.machine.name] ?? [:]
            for unit in ["bound.service", "global.service", "fleetd.service"] {
                #expect(after[unit] == before[unit], "\(unit) was still its own")
            }
            try await machines.destroy(names + ["bound.service", "global.service"], "rope@*.service")
        }
    }
}
