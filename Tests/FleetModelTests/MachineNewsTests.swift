import FleetModel
import Testing
import UnitFile

/// What of machines is told to those who follow events.
@Suite struct MachineNewsTests {
    private let now = Timestamp(milliseconds: 5000)
    private let one: MachineID
    private let two: MachineID
    private let web: UnitName

    init() throws {
        one = try #require(MachineID(String(repeating: "1", count: 32)))
        two = try #require(MachineID(String(repeating: "2", count: 32)))
        web = try UnitName("web.service")
    }

    private func machine(_ id: MachineID, isPresent: Bool = true, orders: MachineOrders = MachineOrders()) -> Machine {
        var machine = Machine(id: id)
        machine.orders = orders
        if isPresent {
            machine.presence = MachinePresence(
                hostname: "h",
                primaryIP: "",
                metadata: [:],
                version: "1",
                systemdVersion: "257",
                since: now
            )
        }
        return machine
    }

    private func told(_ news: inout MachineNews, _ snapshot: Snapshot) -> [String] {
        news.advance(to: snapshot, now: now).map { event in
            "\(event.kind.rawValue) \(event.machine?.short.first.map(String.init) ?? "-"): \(event.message)"
        }
    }

    @Test func aMachinesLife() {
        var snapshot = Snapshot()
        snapshot.machines[one] = machine(one)
        var news = MachineNews(since: snapshot, now: now)
        #expect(told(&news, snapshot) == [])
        snapshot.machines[two] = machine(two)
        #expect(told(&news, snapshot) == ["ready 2: is new, and takes units"])
        let who = Provenance(at: now, by: "ann (uid 7)")
        snapshot.machines[two] = machine(two, orders: MachineOrders(cordoned: .init(set: who, reason: "new disk")))
        #expect(told(&news, snapshot) == ["cordoned 2: takes no new units, by order of ann (uid 7): new disk"])
        let drain = MachineOrders(draining: .init(set: who))
        snapshot.machines[two] = machine(two, orders: drain)
        snapshot.unitsByMachine[two] = [web]
        #expect(told(&news, snapshot) == ["draining 2: its units leave, by order of ann (uid 7)"])
        snapshot.unitsByMachine[two] = nil
        #expect(told(&news, snapshot) == ["drained 2: its units have left"])
        snapshot.machines[two] = machine(two, isPresent: false, orders: drain)
        #expect(told(&news, snapshot) == ["lost 2: is lost: it has left, or could not renew its lease"])
        snapshot.machines[two] = machine(two)
        #expect(told(&news, snapshot) == ["ready 2: is back, and takes units"])
        snapshot.machines[two] = nil
        #expect(told(&news, snapshot) == [])
    }

    @Test func theLeaderAndTheBrake() {
        var snapshot = Snapshot()
        var news = MachineNews(since: snapshot, now: now)
        snapshot.leadership = Leadership(machine: one, epoch: .zero, since: now)
        #expect(told(&news, snapshot) == ["leader 1: leads the fleet"])
        snapshot.leadership = nil
        snapshot.brake = BrakeRecord(lost: [two: now], since: now)
        let lines = told(&news, snapshot)
        #expect(lines.count == 2 && lines[0] == "leader -: no machine leads the fleet")
        #expect(lines.last?.hasPrefix("braked -: more machines are lost than are left") == true)
        #expect(lines.last?.contains("fleetctl brake release") == true)
        snapshot.brake = nil
        #expect(told(&news, snapshot).first?.hasPrefix("brakeReleased -: the brake is off") == true)
    }

    private func fail(_ unit: String, on machine: MachineID, at milliseconds: Int64, _ snapshot: inout Snapshot) throws
    {
        let at = Timestamp(milliseconds: milliseconds)
        let failure = UnitFailure(cause: .signal, message: "", at: at)
        let failed = FailedRun(machine: machine, run: RunID(generation: 1, attempt: 0), failure: failure)
        let name = try UnitName(unit)
        var record = snapshot.failures[name]?[.fleet] ?? FailureRecord(recent: [], count: 0, verdict: .retry(at: at))
        record.recent.append(failed)
        snapshot.failures[name] = [.fleet: record]
    }

    /// Five units within five minutes, of which none has failed elsewhere.
    @Test func aFaultyMachine() throws {
        var snapshot = Snapshot()
        var news = MachineNews(since: snapshot, now: now)
        for unit in 1...4 { try fail("\(unit).service", on: one, at: 0, &snapshot) }
        // Failed on both: perhaps it is the unit's fault.
        try fail("both.service", on: one, at: 1, &snapshot)
        try fail("both.service", on: two, at: 2, &snapshot)
        #expect(told(&news, snapshot) == [])
        try fail("5.service", on: one, at: 1000, &snapshot)
        #expect(
            told(&news, snapshot) == [
                "faulty 1: 5 units have failed there lately and nowhere else: it is chosen last"
            ]
        )
        let later = Timestamp(milliseconds: FaultyMachine.window.milliseconds)
        #expect(snapshot.faultyMachines(now: Timestamp(milliseconds: later.milliseconds - 1)) == [one: 5])
        #expect(snapshot.faultyMachines(now: later) == [:])
        #expect(news.advance(to: snapshot, now: later).map(\.kind) == [.sound])
    }
}
