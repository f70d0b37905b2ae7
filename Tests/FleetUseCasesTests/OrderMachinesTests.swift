import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct OrderMachinesTests {
    private func world(hosts: [String: String] = [:]) throws -> World {
        var world = try World()
        var all = hosts
        all[world.machine.description] = "alpha"
        for (id, host) in all {
            let presence = MachinePresence(
                hostname: host,
                primaryIP: "",
                metadata: [:],
                version: "1",
                systemdVersion: "",
                since: World.user.at
            )
            world.registry.put(.presence(try #require(MachineID(id))), presence)
        }
        return world
    }

    private func orders(_ world: World) -> MachineOrders { world.snapshot.machines[world.machine]?.orders ?? .init() }

    @Test func cordonAndUncordon() throws {
        var world = try world()
        try world.perform(.order(.cordon(reason: "new disk"), [world.machine]))
        #expect(orders(world).cordoned == .init(set: World.user, reason: "new disk"))
        #expect(world.snapshot.state(of: world.machine) == .cordoned)
        #expect(try world.plan(.order(.cordon(reason: nil), [world.machine])).steps.isEmpty)
        try world.perform(.order(.uncordon, [world.machine]))
        #expect(orders(world).isEmpty)
        #expect(world.snapshot.orderRevisions.isEmpty)
        #expect(world.snapshot.state(of: world.machine) == .ready)
    }

    @Test func drainKeepsItsTimeAndTakesAnotherDeadline() throws {
        var world = try world()
        try world.perform(.order(.drain(deadline: nil), [world.machine]))
        #expect(orders(world).draining == .init(set: World.user, deadline: nil))
        #expect(world.snapshot.state(of: world.machine) == .drained)
        #expect(try world.plan(.order(.drain(deadline: nil), [world.machine])).steps.isEmpty)
        try world.perform(.order(.drain(deadline: .seconds(5)), [world.machine]))
        #expect(orders(world).draining?.deadline == World.user.at.advanced(by: .seconds(5)))
        #expect(orders(world).draining?.set.at == World.user.at)
        try world.perform(.order(.uncordon, [world.machine]))
        #expect(orders(world).isEmpty)
    }

    @Test func aLostMachineIsForgotten() throws {
        var world = try world()
        let id = world.machine
        world.registry.put(.known(id), KnownMachine(hostname: "alpha", primaryIP: ""))
        try world.perform(.order(.cordon(reason: nil), [id]))
        #expect(throws: UseCaseError.self) { try world.plan(.order(.forget, [id])) }
        world.registry.delete(.presence(id))
        #expect(world.snapshot.state(of: id) == .lost)
        #expect(try MachineNames.resolve("alpha", in: world.snapshot) == id)
        world.registry.put(.inventory(id), VolumeInventory(at: World.user.at, volumes: [:]))
        world.registry.put(.images(id), ImageInventory(names: [], at: World.user.at))
        try world.perform(.order(.forget, [id]))
        #expect(world.snapshot.machines[id] == nil)
        #expect(world.registry.entries.keys.filter { $0.description.contains("/machines/") }.isEmpty)
    }

    /// It is not listed any more, but its volumes are.
    @Test func aMachineThatLeftInGoodOrderIsForgottenWithItsVolumes() throws {
        var world = try world()
        let id = world.machine
        world.registry.delete(.presence(id))
        world.registry.put(.inventory(id), VolumeInventory(at: World.user.at, volumes: [:]))
        #expect(world.snapshot.machines.isEmpty)
        #expect(try MachineNames.resolve(String(id.description.prefix(8)), in: world.snapshot) == id)
        try world.perform(.order(.forget, [id]))
        #expect(world.snapshot.inventories.isEmpty)
    }

    /// The order waits for the machine, which is listed because of it.
    @Test func aLostMachine() throws {
        var world = try world()
        try world.perform(.order(.cordon(reason: nil), [world.machine]))
        world.registry.delete(.presence(world.machine))
        #expect(world.snapshot.state(of: world.machine) == .lost)
        #expect(orders(world).isCordoned)
        try world.perform(.order(.uncordon, [world.machine]))
        #expect(world.snapshot.machines.isEmpty)
    }

    @Test func concurrentOrdersConflict() throws {
        var world = try world()
        let late = try world.plan(.order(.cordon(reason: nil), [world.machine]))
        try world.perform(.order(.drain(deadline: nil), [world.machine]))
        let transaction = try #require(late.steps.first?.transaction)
        let isCommitted = world.registry.commit(transaction)
        #expect(!isCommitted)
    }

    @Test(arguments: [
        ("0123456789abcdef0123456789abcdef", "0123"), ("01234", "0123"), ("alpha", "0123"), ("beef", "cafe"),
        ("beef0", "beef"), ("cafe", "cafe0"), ("012", nil), ("ffff", nil), ("twin", nil), ("dddd", nil), ("", nil),
    ])
    func names(_ name: String, _ expected: String?) throws {
        let pad = { (text: String) in text + String(repeating: "0", count: 32 - text.count) }
        let world = try world(hosts: [
            pad("beef"): "gamma", pad("cafe"): "beef", pad("cafe1"): "twin", pad("dddd1"): "twin", pad("dddd2"): "x",
        ])
        do throws(UseCaseError) {
            let found = try MachineNames.resolve(name, in: world.snapshot)
            switch expected {
            case "cafe0": Issue.record("\(name) is ambiguous, and gave \(found)")
            case let expected?: #expect(found.description.hasPrefix(expected))
            case nil: Issue.record("\(name) gave \(found)")
            }
        } catch {
            #expect(expected == nil || expected == "cafe0", "\(error)")
            #expect(error.message.contains("\"\(name)\""))
        }
    }

    @Test func move() throws {
        var world = try world(hosts: ["ffffffffffffffffffffffffffffffff": "beta"])
        let beta = try #require(MachineID("ffffffffffffffffffffffffffffffff"))
        let web = try UnitName("web.service")
        try world.submit("web.service", World.simple, .launched)
        try world.submit("idle.service")
        try world.submit("all.service", World.simple + "[X-Fleet]\nGlobal=yes\n", .launched)
        try world.submit("pinned.service", World.simple + "[X-Fleet]\nMachineID=\(world.machine)\n", .launched)
        let refused = try world.perform(
            .move(
                [try UnitName("idle.service"), try UnitName("all.service"), try UnitName("pinned.service")],
                to: beta
            )
        )
        #expect(refused.values.compactMap(\.refusal).count == 3)
        #expect(refused[try UnitName("pinned.service")]?.refusal?.message.contains("MachineID=") == true)
        #expect(try world.perform(.move([web], to: beta))[web]?.isChanged == true)
        #expect(world.snapshot.moves[web] == MoveWish(to: beta, set: World.user))
        #expect(try world.perform(.move([web], to: beta))[web]?.isUnchanged == true)
        try world.perform(.order(.cordon(reason: nil), [beta]))
        let cordoned = try world.perform(.move([web], to: beta))[web]
        #expect(cordoned?.refusal?.message == "web.service cannot be moved to ffffffff: the machine is cordoned")
        try world.perform(.destroy([web]))
        #expect(world.snapshot.moves.isEmpty)
    }
}
