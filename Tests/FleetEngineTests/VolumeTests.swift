import FleetEngine
import FleetModel
import FleetRegistry
import Testing
import UnitFile

@Suite("Homes of volumes are written with the placements")
struct VolumeTests {
    private let a = machine("a")
    private let b = machine("b")
    private let web = unit("web.service")
    private let db = unit("db.service")
    private static let sticky = "VolumePolicy=sticky\n[Service]\nStateDirectory=data"
    private static let lose = "VolumePolicy=lose\n[Service]\nStateDirectory=data"

    private func leader() -> EngineWorld {
        // The loss of an engine's own machine is another story.
        var world = EngineWorld(machine: machine("c"))
        for id in [a, b] { world.registry.machine(id, at: world.now) }
        world.start()
        world.settle()
        return world
    }

    private func home(_ world: EngineWorld) throws -> MachineID? {
        world.registry.snapshot.volumeHomes[try VolumeName("state:data")]?.machine
    }

    @Test func inOneTransaction() throws {
        var world = leader()
        world.registry.submit(web, Self.sticky, at: world.now)
        let before = world.registry.commits.count
        world.settle()
        #expect(world.registry.commits.count == before + 1)
        #expect(world.machines(of: web) == [a])
        #expect(try home(world) == a)
        #expect(world.registry.snapshot.assignments[web]?[a]?.volumes?.map(\.description) == ["state:data"])
        let key = RegistryKey.volume(try VolumeName("state:data")).key(in: world.registry.keyspace)
        #expect(world.registry.commits.last?.compares.contains(.absent(key)) == true)
    }

    @Test func sharedByTwoInOnePlan() throws {
        var world = leader()
        world.registry.submit(web, Self.sticky, at: world.now)
        world.registry.submit(db, Self.sticky, at: world.now)
        let before = world.registry.commits.count
        world.settle()
        #expect(world.registry.commits.count == before + 1)
        #expect(world.registry.commits.last?.defect == nil)
        #expect(world.machines(of: web) == world.machines(of: db))
        #expect(try home(world) == a)
    }

    /// Each in a transaction of its own meets the other's home, and follows it.
    @Test func aHomeThatCameMeanwhile() throws {
        var world = leader()
        world.registry.submit(web, Self.sticky, at: world.now)
        world.holdsTransactions = true
        world.settle()
        let other = VolumeHome(machine: b, unit: db, since: world.now)
        world.registry.put(.volume(try VolumeName("state:data")), other)
        world.releaseHeld()
        world.settle()
        #expect(world.machines(of: web) == [b])
        #expect(try home(world) == b)
    }

    @Test func waitsForItsMachine() throws {
        var world = leader()
        world.registry.submit(web, Self.sticky, at: world.now)
        world.settle()
        world.now = world.now.advanced(by: .seconds(10))
        world.registry.delete(.presence(a))
        world.settle()
        #expect(world.machines(of: web) == [a])
        let message = try #require(world.registry.events(of: web).last?.message)
        #expect(
            message.hasPrefix("blocked: machine aaaaaaaa is not present and no other is eligible: bbbbbbbb: its volume")
        )
    }

    @Test func aHomeThatBindsNobodyGoesWithTheFile() throws {
        var world = leader()
        world.registry.submit(web, Self.sticky, at: world.now)
        world.settle()
        #expect(try home(world) == a)
        world.registry.submit(web, Self.lose, at: world.now)
        let before = world.registry.commits.count
        world.settle()
        #expect(try home(world) == nil)
        #expect(world.registry.commits.count == before + 1)
        let key = RegistryKey.volume(try VolumeName("state:data")).key(in: world.registry.keyspace)
        let commit = try #require(world.registry.commits.last)
        #expect(commit.defect == nil)
        #expect(commit.operations.contains(.delete(.key(key))))
        #expect(commit.compares.contains { if case .modified(key, _) = $0 { true } else { false } })
        let assignment = try #require(world.registry.snapshot.assignments[web]?[a])
        #expect(assignment.volumes == nil)
        #expect(assignment.looseVolumes?.map(\.description) == ["state:data"])
    }

    @Test func theEventOfAMoveSaysWhereTheDataStay() throws {
        var world = leader()
        world.registry.submit(web, Self.sticky, at: world.now)
        world.settle()
        let user = Provenance(at: world.now, by: "test")
        world.registry.put(.move(web), MoveWish(to: b, losesVolumes: true, set: user))
        world.settle()
        #expect(world.machines(of: web) == [b])
        #expect(try home(world) == b)
        #expect(
            world.registry.events(of: web).map(\.message).contains(
                "its data stay behind (state:data on aaaaaaaa): it begins without them on bbbbbbbb"
            )
        )
    }
}
