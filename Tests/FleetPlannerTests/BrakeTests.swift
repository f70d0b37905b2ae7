import FleetModel
import FleetPlanner
import Testing
import UnitFile

/// When the brake takes hold: of so many machines, so many are lost, with so many seconds in between.
@Suite struct BrakeTests {
    @Test(arguments: [
        (2, 1, 0, false), (3, 1, 0, false), (3, 2, 0, true), (3, 2, 3, true), (3, 2, 61, false), (4, 2, 0, false),
        (4, 3, 1, true), (5, 2, 0, false), (5, 3, 5, true), (5, 3, 40, false), (5, 5, 0, true),
    ])
    func takesHold(machines: Int, lost: Int, apart: Int, expected: Bool) {
        var fleet = TestFleet()
        let ids = "abcdef".prefix(machines).map { machine($0) }
        for id in ids { fleet.machine(id) }
        for number in 0..<machines * 2 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        for id in ids.prefix(lost) {
            fleet.lose(id)
            fleet.brake()
            fleet.apply(fleet.plan())
            fleet.now = fleet.now.advanced(by: .seconds(apart))
        }
        #expect((fleet.snapshot.brake?.since != nil) == expected)
        let held = ids.filter { fleet.snapshot.brake?.holds($0) == true && fleet.snapshot.unitsByMachine[$0] != nil }
        #expect(held.isEmpty != expected)
        // All back: nothing is remembered.
        for id in ids { fleet.machine(id) }
        fleet.brake()
        #expect(fleet.snapshot.brake == nil)
    }

    /// Of six machines four are lost, and two of these have units: the others count too.
    @Test func machinesWithoutUnitsCount() {
        var fleet = TestFleet()
        let ids = "abcdef".map { machine($0) }
        for id in ids { fleet.machine(id) }
        for id in ids.prefix(4) { fleet.know(id) }
        for (number, id) in ids.prefix(2).enumerated() {
            var options = FleetOptions()
            options.machineID = MachineText(parts: [.literal(id.description)])
            fleet.submit(unit("u\(number).service"), options)
        }
        fleet.apply(fleet.plan())
        for id in ids.prefix(4) { fleet.lose(id) }
        fleet.brake()
        #expect(ids.prefix(2).allSatisfy { fleet.snapshot.brake?.holds($0) == true })
    }

    /// A machine that was lost long before is remembered, and has no part in a brake.
    @Test func whatWasLostLongAgoHoldsNoBrake() {
        var fleet = TestFleet()
        let ids = "abcde".map { machine($0) }
        for id in ids { fleet.machine(id) }
        for id in ids { fleet.know(id) }
        for number in 0..<5 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        let lost = fleet.now
        fleet.lose(ids[0])
        fleet.brake()
        fleet.apply(fleet.plan())
        fleet.now = fleet.now.advanced(by: .seconds(86_400))
        fleet.brake()
        #expect(fleet.snapshot.brake == BrakeRecord(lost: [ids[0]: lost]))
        for id in ids[1...3] { fleet.lose(id) }
        fleet.brake()
        #expect(fleet.snapshot.brake?.holds(ids[0]) == false)
        #expect(ids[1...3].allSatisfy { fleet.snapshot.brake?.holds($0) == true })
        for id in ids[1...3] { fleet.machine(id) }
        fleet.brake()
        #expect(fleet.snapshot.brake?.since == nil)
        #expect(fleet.snapshot.brake?.lost == [ids[0]: lost])
    }

    /// Machines that vanish together lose their leases one after the other. The first one's units stay all the same.
    @Test func silentMachinesCountAsLost() {
        var fleet = TestFleet()
        let ids = "abcde".map { machine($0) }
        for id in ids { fleet.machine(id) }
        for number in 0..<15 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        var silent = Set(ids.prefix(3))
        for id in ids.prefix(3) {
            silent.remove(id)
            fleet.lose(id)
            fleet.brake(silent: silent)
            fleet.apply(fleet.plan())
            fleet.now = fleet.now.advanced(by: .milliseconds(1100))
        }
        let held = ids.prefix(3).filter { fleet.snapshot.brake?.holds($0) == true }
        #expect(held.compactMap { fleet.snapshot.unitsByMachine[$0]?.count } == [3, 3, 3])
    }

    /// One of the silent has come back before its lease ended: there is no brake for the sake of one machine for long.
    @Test func whoWasOnlySilentHoldsNothingForLong() {
        var fleet = TestFleet()
        for id in "abc" { fleet.machine(machine(id)) }
        for number in 0..<3 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        fleet.lose(machine("a"))
        fleet.brake(silent: [machine("b")])
        #expect(fleet.snapshot.brake?.holds(machine("a")) == true)
        fleet.now = fleet.now.advanced(by: .seconds(59))
        fleet.brake()
        #expect(fleet.snapshot.brake?.holds(machine("a")) == true)
        #expect(Brake.end(fleet.snapshot.brake, now: fleet.now) == fleet.now.advanced(by: .seconds(1)))
        fleet.now = fleet.now.advanced(by: .seconds(1))
        fleet.brake()
        #expect(fleet.snapshot.brake?.since == nil)
    }

    /// The power of a site comes back: the brake is on until a minute after the last machine, and any of them may be
    /// one.
    @Test(arguments: [2, 3]) func awaitedMachinesAreHeld(machines: Int) {
        var fleet = TestFleet()
        let ids = "abc".prefix(machines).map { machine($0) }
        for id in ids { fleet.machine(id) }
        for number in 0..<machines { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        let units = fleet.snapshot.unitsByMachine
        for id in ids.dropFirst() { fleet.lose(id) }
        var awaited = Set(ids.dropFirst())
        for id in ids.dropFirst() {
            fleet.brake(awaited: awaited)
            fleet.apply(fleet.plan())
            fleet.now = fleet.now.advanced(by: .seconds(50))
            awaited.remove(id)
            fleet.machine(id)
        }
        #expect(fleet.snapshot.unitsByMachine == units)
        fleet.brake()
        #expect(fleet.snapshot.brake == nil)
    }

    @Test func awaitedMachinesAreHeldForSomeTimeOnly() {
        var fleet = TestFleet()
        for id in "abc" { fleet.machine(machine(id)) }
        for number in 0..<3 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        for id in "bc" { fleet.lose(machine(id)) }
        fleet.brake(awaited: [machine("b"), machine("c")])
        fleet.now = fleet.now.advanced(by: .seconds(90))
        fleet.machine(machine("b"))
        fleet.brake(awaited: [machine("c")])
        #expect(fleet.snapshot.brake?.returned == fleet.now)
        fleet.now = fleet.now.advanced(by: .seconds(61))
        fleet.brake(awaited: [machine("c")])
        #expect(fleet.snapshot.brake?.holds(machine("c")) == true)
        fleet.brake()
        #expect(fleet.snapshot.brake?.since == nil)
    }

    @Test func aClockThatWasSetBackDoesNotHoldTheBrake() {
        var fleet = TestFleet()
        for id in "abc" { fleet.machine(machine(id)) }
        for number in 0..<3 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        for id in "bc" { fleet.lose(machine(id)) }
        fleet.brake()
        fleet.machine(machine("b"))
        fleet.brake()
        #expect(fleet.snapshot.brake?.holds(machine("c")) == true)
        fleet.now = fleet.now.advanced(by: .seconds(-7200))
        fleet.brake()
        #expect(fleet.snapshot.brake?.since == nil)
    }

    /// Lost together, but none of them has anything: there is nothing to hold.
    @Test func lostMachinesWithoutUnitsAreNotBraked() {
        var fleet = TestFleet()
        for id in "abc" { fleet.machine(machine(id)) }
        for number in 0..<3 { fleet.submit(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        for id in "bc" { fleet.lose(machine(id)) }
        fleet.brake()
        #expect(fleet.snapshot.brake?.since != nil)
        for number in 0..<3 { fleet.destroy(unit("u\(number).service")) }
        fleet.apply(fleet.plan())
        fleet.now = fleet.now.advanced(by: .seconds(61))
        fleet.brake()
        #expect(fleet.snapshot.brake?.since == nil)
        fleet.brake()
        let written = fleet.snapshot.brake
        for _ in 0..<3 {
            fleet.brake()
            #expect(fleet.snapshot.brake == written)
        }
    }
}
