import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing

@Suite struct ReleaseBrakeTests {
    @Test func whatIsLostByNow() throws {
        var world = try World()
        #expect(throws: UseCaseError.self) { try world.plan(.releaseBrake) }
        let other = try #require(MachineID("ffffffffffffffffffffffffffffffff"))
        let lost = [world.machine: World.user.at, other: World.user.at]
        world.registry.put(.brake, BrakeRecord(lost: lost, since: World.user.at))
        #expect(world.snapshot.brake?.holds(other) == true)
        try world.perform(.releaseBrake)
        #expect(world.snapshot.brake?.released == [world.machine, other])
        #expect(world.snapshot.brake?.holds(other) == false)
        world.registry.delete(.brake)
        #expect(world.snapshot.brake == nil)
        #expect(world.snapshot.brakeRevision == nil)
    }
}
