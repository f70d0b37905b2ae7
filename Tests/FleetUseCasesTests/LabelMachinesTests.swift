import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing

@Suite struct LabelMachinesTests {
    private func world(_ metadata: [String: String] = [:]) throws -> World {
        var world = try World()
        let presence = MachinePresence(
            hostname: "a",
            primaryIP: "",
            metadata: metadata,
            version: "1",
            systemdVersion: "",
            since: World.user.at
        )
        world.registry.put(.presence(world.machine), presence)
        return world
    }

    private func change(_ world: World, _ key: String, _ operation: LabelChange.Operation) -> LabelChange {
        LabelChange(machine: world.machine, key: key, operation: operation)
    }

    @Test func setWinsOverTheConfiguration() throws {
        var world = try world(["disk": "hdd"])
        try world.perform(.label([change(world, "disk", .set("ssd")), change(world, "zone", .set("b"))]))
        #expect(world.snapshot.machines[world.machine]?.metadata == ["disk": "ssd", "zone": "b"])
    }

    @Test func removeHidesAConfiguredKeyAndForgetsALabel() throws {
        var world = try world(["disk": "hdd"])
        try world.perform(.label([change(world, "zone", .set("b"))]))
        try world.perform(.label([change(world, "disk", .remove), change(world, "zone", .remove)]))
        #expect(world.snapshot.machines[world.machine]?.metadata == [:])
        #expect(world.snapshot.machines[world.machine]?.labels.keys.sorted() == ["disk"])
    }

    @Test func theLastLabelTakesTheKeyAway() throws {
        var world = try world()
        try world.perform(.label([change(world, "zone", .set("b"))]))
        try world.perform(.label([change(world, "zone", .remove)]))
        #expect(world.snapshot.labelRevisions.isEmpty)
        #expect(try world.plan(.label([change(world, "zone", .remove)])).steps.isEmpty)
    }

    @Test func aMachineThatWasNeverSeen() throws {
        var world = try World()
        try world.perform(.label([change(world, "zone", .set("b"))]))
        #expect(world.snapshot.machines[world.machine]?.metadata == ["zone": "b"])
    }

    @Test func concurrentLabelsConflict() throws {
        var world = try world()
        let late = try world.plan(.label([change(world, "zone", .set("b"))]))
        try world.perform(.label([change(world, "disk", .set("ssd"))]))
        let transaction = try #require(late.steps.first?.transaction)
        let isCommitted = world.registry.commit(transaction)
        #expect(!isCommitted)
    }
}
