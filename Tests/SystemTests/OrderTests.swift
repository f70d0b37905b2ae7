import FoundationEssentials
import Lab
import Testing

extension SystemTests {
    /// What operators order of machines and units, on three machines: cordon, drain, move.
    @Suite(.serialized, .machines(3, etcd: 3)) struct OrderTests {
        // MARK: Units that say when

        /// Writes down when it sets out, when it is up, and when it is told to stop. It takes its time to come up, so
        /// that a handover has a length.
        private static let traveller = UnitText.service(
            "/bin/sleep infinity",
            service: """
                ExecStartPre=/bin/bash -c 'echo %n $$EPOCHREALTIME sets-out >>/run/travels'
                ExecStartPre=/bin/sleep 0.7
                ExecStartPre=/bin/bash -c 'test ! -e /run/bad-for-%n && echo %n $$EPOCHREALTIME up >>/run/travels'
                ExecStop=/bin/bash -c 'echo %n $$EPOCHREALTIME stops >>/run/travels'
                """
        )

        private struct Step: CustomStringConvertible {
            var unit: String
            var machine: String
            var at: Double
            var what: String

            var description: String { "\(unit) \(what) on \(machine) at \(at)" }
        }

        /// Everything that travellers wrote down on any machine, oldest first.
        private func steps(_ machines: Machines) async throws -> [Step] {
            var steps: [Step] = []
            for fleet in machines.all {
                for line in try await fleet.machine.shell("cat /run/travels || true").split(separator: "\n") {
                    let words = line.split(separator: " ").map(String.init)
                    guard words.count == 3, let at = Double(words[1]) else { throw LabError("\(line)") }
                    steps.append(Step(unit: words[0], machine: fleet.machine.name, at: at, what: words[2]))
                }
            }
            return steps.sorted { $0.at < $1.at }
        }

        private func forgetTravels(_ machines: Machines) async throws {
            for fleet in machines.all { try await fleet.machine.shell("rm -f /run/travels") }
        }

        /// How many units were between setting out and being up at one moment, at most.
        private func mostOnTheirWay(_ steps: [Step]) -> Int {
            var onTheirWay = 0, most = 0
            for step in steps {
                if step.what == "sets-out" { onTheirWay += 1 }
                if step.what == "up" { onTheirWay -= 1 }
                most = max(most, onTheirWay)
            }
            return most
        }

        // MARK: Machines as the operator sees them

        /// STATE and REASON of a machine, which every machine has to show alike.
        private func expectState(_ wanted: String, of fleet: Fleet, _ machines: Machines) async throws {
            let id = try fleet.machineID()
            for observer in machines.all {
                try await observer.machine.eventually("\(fleet.machine.name) is \(wanted)") {
                    let list = try await observer.ctl([
                        "list-machines", "--no-legend", "--full", "--fields", "machine,state,reason",
                    ]).checked()
                    let rows = list.lines.map { $0.split(separator: "\t").map { $0.filter { $0 != " " } } }
                    guard let row = rows.first(where: { $0.first == id }) else { throw NotYet("\(list)") }
                    let seen = row.dropFirst().joined(separator: " ")
                    guard seen == wanted else { throw NotYet(seen) }
                }
            }
        }

        /// Starts units on a machine by closing the others to them; of a template, these instances.
        private func start(
            _ files: [(String, String)],
            instances: [String] = [],
            on fleet: Fleet,
            _ machines: Machines
        ) async throws {
            let others = try machines.others(than: fleet).map { try $0.machineID() }
            try await fleet.ctl(["cordon"] + others).checked()
            let paths = try await fleet.write(files)
            try await fleet.ctl(["submit"] + paths).checked()
            let names = files.map(\.0).filter { !$0.contains("@.") } + instances
            try await fleet.ctl(["start"] + names, limit: .seconds(120)).checked()
            try await machines.expectOneEach(names, "*.service", on: [fleet])
            try await fleet.ctl(["uncordon"] + others).checked()
        }

        // MARK: Tests

        @Test func aCordonedMachineKeepsWhatItHasAndTakesNothingMore() async throws {
            let machines = try currentMachines()
            let names = try await machines.startCrew("quay", 6)
            let closed = machines.all[2], open = Array(machines.all[0...1])
            let id = try closed.machineID()
            let before = try await machines.processes("quay@*.service")
            #expect(before.values.map(\.count) == [2, 2, 2])

            let order = try await machines.all[0].ctl(["cordon", closed.machine.name, "--reason", "newdisk"]).checked()
            #expect(order.standardOutput.contains("Cordoned m3 (\(id.prefix(8))"), "\(order)")
            try await expectState("cordoned newdisk", of: closed, machines)
            let more = (7...10).map { "quay@\($0).service" }
            try await machines.all[1].ctl(["start"] + more).checked()
            try await machines.expectOneEach(more, "quay@*.service", on: open)
            let during = try await machines.processes("quay@*.service")
            for (machine, processes) in before {
                for (unit, process) in processes { #expect(during[machine]?[unit] == process, "\(unit) was touched") }
            }

            // Only there, so it waits and says for what.
            let text = UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)")
            let paths = try await machines.all[0].write([("berth.service", text)])
            try await machines.all[0].ctl(["start", "--no-block"] + paths).checked()
            try await machines.all[1].expectWhy("berth.service", says: "cordoned (newdisk)")
            #expect(try await closed.mainProcess(of: "berth.service") == 0)

            try await closed.ctl(["uncordon", id]).checked()
            try await expectState("ready -", of: closed, machines)
            try await machines.expectOneEach(["berth.service"], "berth.service", on: [closed])
            // It has three units now and the others four.
            try await machines.all[0].ctl(["start", "quay@11.service"]).checked()
            try await machines.expectOneEach(["quay@11.service"], "quay@11.service", on: [closed])
            let after = try await machines.processes("quay@*.service")
            for (machine, processes) in during {
                for (unit, process) in processes { #expect(after[machine]?[unit] == process, "\(unit) was touched") }
            }
            try await machines.destroy(names + more + ["quay@11.service", "berth.service"], "quay@*.service")
        }

        @Test func aNameThatMeansNoMachineOrdersNothing() async throws {
            let machines = try currentMachines()
            let real = machines.all[0]
            for command in ["cordon", "uncordon", "drain"] {
                let refusal = try await real.ctl([command, real.machine.name, "m9"])
                #expect(refusal.status == 1, "\(refusal)")
                #expect(refusal.standardError.contains("no machine \"m9\" is known"), "\(refusal)")
                let empty = try await real.ctl([command])
                #expect(empty.status == 2, "\(empty)")
            }
            try await expectState("ready -", of: real, machines)
        }

        @Test func aDrainedMachineHandsEverythingOverAndSaysWhatCannotGo() async throws {
            let machines = try currentMachines()
            let victim = machines.all[2], others = machines.others(than: victim), first = machines.all[0]
            let id = try victim.machineID()
            let names = (1...12).map { "tide@\($0).service" }
            let marks = "/var/tmp/solo.marks"
            try await forgetTravels(machines)
            try await start(
                [
                    ("tide@.service", Self.traveller),
                    ("solo.service", UnitText.service(Life.command(marks: marks), fleet: "AtMostOnce=yes")),
                    ("bound.service", UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)")),
                ],
                instances: names,
                on: victim,
                machines
            )
            let global = UnitText.service("/bin/sleep infinity", fleet: "Global=true")
            try await first.start("harbour.service", global)
            let bound = try await victim.mainProcess(of: "bound.service")
            try await forgetTravels(machines)

            // It cannot end: one unit has nowhere to go.
            let command = Task { try await first.ctl(["drain", victim.machine.name], limit: .seconds(180)) }
            try await expectState("draining -", of: victim, machines)
            try await machines.expectOneEach(names + ["solo.service"], "*.service", on: others)
            let steps = try await steps(machines)
            let lives = try await Life.all(marks: marks, on: machines.all.map(\.machine))
            for name in names {
                let up = try #require(steps.last { $0.unit == name && $0.what == "up" })
                let stops = try #require(steps.last { $0.unit == name && $0.what == "stops" })
                #expect(up.machine != victim.machine.name && stops.machine == victim.machine.name, "\(up), \(stops)")
                #expect(up.at < stops.at, "\(name) was stopped before it was up elsewhere: \(up), \(stops)")
            }
            let most = mostOnTheirWay(steps)
            let gap = try #require(Life.smallestGap(lives), "it has not moved: \(lives)")
            print(
                "drained of 12 in \((steps.last?.at ?? 0) - (steps.first?.at ?? 0)) s, \(most) at a time; solo \(gap) s"
            )
            #expect(most == 5)
            #expect(gap > 0)
            #expect(try await victim.mainProcess(of: "bound.service") == bound)
            #expect(try await victim.mainProcess(of: "harbour.service") > 0, "a global unit goes last")
            try await first.expectWhy("bound.service", says: "MachineID=")
            try await expectState("draining -", of: victim, machines)

            // The deadline takes what is left, and both commands end.
            let late = try await machines.all[1].ctl(["drain", "--deadline", "2s", id], limit: .seconds(60)).checked()
            let early = try await command.value.checked()
            for report in [early, late] { #expect(report.standardOutput.contains("Drained"), "\(report)") }
            #expect(early.standardError.contains("Unit bound.service is on"), "\(early)")
            #expect(early.standardError.contains("MachineID="), "\(early)")
            for name in names { #expect(early.standardOutput.contains("Unit \(name) left"), "\(name): \(early)") }
            let left = try await victim.mainProcesses("*.service")
            #expect(["bound.service", "harbour.service"].allSatisfy { left[$0] == nil }, "\(left)")
            try await expectState("drained -", of: victim, machines)
            try await first.expectWhy("bound.service", says: "is being drained")

            try await first.ctl(["uncordon", id]).checked()
            try await expectState("ready -", of: victim, machines)
            try await machines.expectOneEach(["bound.service"], "bound.service", on: [victim])
            try await machines.eventually("the global unit is back") {
                guard try await victim.mainProcess(of: "harbour.service") > 0 else { throw NotYet("it is not") }
            }
            try await first.start("newcomer.service", UnitText.sleeper)
            #expect(try await machines.place(of: "newcomer.service").machine.name == victim.machine.name)
            let all = names + ["solo.service", "bound.service", "harbour.service", "newcomer.service"]
            try await machines.destroy(all, "tide@*.service")
        }

        @Test func aMovedUnitIsUpThereBeforeItStopsHere() async throws {
            let machines = try currentMachines()
            let (here, there) = (machines.all[1], machines.all[2])
            try await forgetTravels(machines)
            try await start([("ferry.service", Self.traveller)], on: here, machines)
            try await forgetTravels(machines)
            let move = try await machines.all[0].ctl(["move", "ferry.service", there.machine.name]).checked()
            #expect(move.standardOutput.contains("ferry.service"), "\(move)")
            try await machines.expectOneEach(["ferry.service"], "ferry.service", on: [there])
            let steps = try await steps(machines)
            #expect(steps.map(\.what) == ["sets-out", "up", "stops"], "\(steps)")
            #expect(steps.map(\.machine) == [there, there, here].map(\.machine.name), "\(steps)")
            let why = try await here.ctl(["why", "ferry.service"]).checked().standardOutput
            #expect(why.contains("a move to \(try there.machineID().prefix(8)) was asked for"), "\(why)")
            // Once more is no change.
            let process = try await there.mainProcess(of: "ferry.service")
            try await machines.all[0].ctl(["move", "ferry.service", there.machine.name]).checked()
            #expect(try await there.mainProcess(of: "ferry.service") == process)
            try await machines.destroy(["ferry.service"], "ferry.service")
        }

        @Test func aMoveThatCannotBeIsRefusedAndTouchesNothing() async throws {
            let machines = try currentMachines()
            let (here, there) = (machines.all[1], machines.all[2])
            let id = try here.machineID()
            try await start([("barge.service", Self.traveller)], on: here, machines)
            let fixed = UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)")
            try await here.start("pier.service", fixed)
            try await here.start("buoy.service", UnitText.service("/bin/sleep infinity", fleet: "Global=true"))
            let before = try await machines.processes("*.service", on: [here])[here.machine.name] ?? [:]

            func expectRefusal(_ unit: String, _ target: String, _ reason: String) async throws {
                let refusal = try await machines.all[0].ctl(["move", unit, target])
                #expect(refusal.status == 1 && refusal.standardError.contains(reason), "\(refusal)")
                let now = try await here.mainProcess(of: unit)
                #expect(now == before[unit], "\(unit) was touched by a move that was refused")
            }
            try await expectRefusal("pier.service", there.machine.name, "MachineID=")
            try await expectRefusal("buoy.service", there.machine.name, "global")
            try await expectRefusal("barge.service", "m9", "no machine \"m9\" is known")
            try await machines.all[0].ctl(["cordon", there.machine.name]).checked()
            try await expectRefusal("barge.service", there.machine.name, "cordoned")
            try await machines.all[0].ctl(["uncordon", there.machine.name]).checked()
            // Allowed, tried, failed there: it runs on here.
            try await there.machine.shell("touch /run/bad-for-barge.service")
            try await expectRefusal("barge.service", there.machine.name, "failed there")
            #expect(try await machines.place(of: "barge.service").machine.name == here.machine.name)
            try await machines.destroy(["barge.service", "pier.service", "buoy.service"], "barge.service")
        }

        @Test func anAtMostOnceUnitIsMovedWithoutAnOverlap() async throws {
            let machines = try currentMachines()
            let marks = "/var/tmp/skiff.marks"
            let text = UnitText.service(Life.command(marks: marks), fleet: "AtMostOnce=yes")
            try await start([("skiff.service", text)], on: machines.all[0], machines)
            for target in [machines.all[1], machines.all[2], machines.all[0]] {
                try await machines.all[0].ctl(["move", "skiff.service", target.machine.name]).checked()
                try await machines.expectOneEach(["skiff.service"], "skiff.service", on: [target])
                // What it rests on: the file is made with the first mark.
                try await machines.eventually("it leaves marks") {
                    let lives = try await Life.all(marks: marks, on: [target.machine])
                    guard !lives.isEmpty else { throw NotYet("none") }
                }
            }
            let lives = try await Life.all(marks: marks, on: machines.all.map(\.machine))
            let gap = try #require(Life.smallestGap(lives))
            print("an AtMostOnce unit was moved three times, \(gap) s apart at least: \(lives)")
            #expect(lives.count == 4 && gap > 0)
            try await machines.destroy(["skiff.service"], "skiff.service")
        }
    }
}
