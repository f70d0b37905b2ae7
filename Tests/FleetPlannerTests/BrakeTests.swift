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
        fleet.brake()
        #expect(fleet.snapshot.brake?.since == nil)
        let written = fleet.snapshot.brake
        for _ in 0..<3 {
            fleet.brake()
            #expect(fleet.snapshot.brake == written)
        }
    }
}
