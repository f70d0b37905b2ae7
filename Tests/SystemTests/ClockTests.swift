import Lab
import Testing

extension SystemTests.AtMostOnceTests {
    /// No promise rests on the time of day: not the holder's, not the leader's.
    @Test func clocksAreSetUnderIt() async throws {
        let machines = try currentMachines()
        try await concurrently(machines.all) { try await FleetdClock(fleet: $0).takeOver() }
        try await machines.waitUntilComplete()
        let holder = try await running(machines)
        let leader = machines.others(than: holder)[0]
        try await machines.makeLeader(leader)
        // The loss of etcd's leader is another story (docs/at-most-once.md).
        try await machines.etcd.makeLeader(leader.machine)
        #expect(try await machines.place(of: Self.unit).machine.name == holder.machine.name)
        let before = try await holder.mainProcess(of: Self.unit)
        for fleet in machines.all { try await fleet.machine.shell("rm -f \(Self.marks)") }

        // Ahead, and then back by two hours: what was planned for a time of day is far away then.
        for seconds in [3600, -3600] {
            for fleet in [holder, leader] { try await FleetdClock(fleet: fleet).set(ahead: seconds) }
            try await expectSeen(seconds, by: holder)
            // As long as the fence is set for, at the longest.
            try await expectRenewals(holder, for: Self.lease * 6 / 10)
            #expect(try await holder.mainProcess(of: Self.unit) == before, "\(seconds) s")
        }
        #expect(try await machines.leader().machine.name == leader.machine.name)

        try await holder.machine.cutCable(.unplugged)
        let others = machines.others(than: holder)
        try await machines.eventually("it runs elsewhere", within: Self.lease * 2 + .seconds(10)) {
            let found = try await machines.processes(Self.unit, on: others)
            guard found.values.contains(where: { $0[Self.unit] != nil }) else { throw NotYet("\(found)") }
        }
        try await holder.machine.mendCable()
        try await concurrently(machines.all) { try await FleetdClock(fleet: $0).giveBack() }
        try await machines.waitUntilComplete()
        try await machines.etcd.waitUntilWhole()
        let place = try await machines.eventually("it runs in one place") { try await machines.place(of: Self.unit) }
        #expect(place.machine.name != holder.machine.name, "it was moved back")
        let lives = try await lives(machines)
        print("clocks set: \(lives)")
        #expect(lives.count == 2 && Set(lives.map(\.machine)).count == 2, "\(lives)")
        #expect(overlap(lives) < 0)
    }

    /// The time that stands with what the machine's fleetd was asked for, and with what the leader has decided of it.
    private func expectSeen(_ seconds: Int, by fleet: Fleet) async throws {
        let unit = "seen\(seconds).service"
        try await fleet.start(unit, UnitText.sleeper)
        for kind in ["submitted", "placed"] {
            let ahead = try await fleet.machine.shell(
                """
                at=$(fleetctl events --json \(unit) | grep '"kind":"\(kind)"' | grep -o '"at":"[^"]*' | cut -c 7-)
                echo $(($(date -d "$at" +%s) - $(date +%s)))
                """
            )
            let found = ahead.split(separator: "\n").first.flatMap { Int($0) }
            let wanted = seconds - 60...seconds
            #expect(found.map { wanted.contains($0) } == true, "\(kind) is \(ahead) s ahead, not \(seconds)")
        }
        try await fleet.destroy(unit)
    }

    /// Waits until renewals of the machine's lease have put the fence off for so long.
    private func expectRenewals(_ fleet: Fleet, for time: Duration) async throws {
        let first = try await fence(fleet)
        try await fleet.machine.eventually("the fence is put off for \(time)", within: Fleet.patience) {
            let later = try await fence(fleet) - first
            guard later >= time else { throw NotYet("by \(later)") }
        }
    }

    /// When the fence comes down, since the boot.
    private func fence(_ fleet: Fleet) async throws -> Duration {
        let list = try await fleet.machine.shell("systemctl list-units --plain --no-legend 'fleet-fence@*.timer'")
        let times = list.split(separator: "\n").compactMap { line in
            line.split(separator: ".").first?.split(separator: "@").last.flatMap { Int64($0) }
        }
        guard let time = times.max() else { throw NotYet("no fence: \(list)") }
        return .microseconds(time)
    }
}
