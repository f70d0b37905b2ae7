import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite("Volumes in what users ask for")
struct VolumesTests {
    private let web: UnitName
    private let side: UnitName
    private let alpha: MachineID
    private let beta: MachineID
    private let data: VolumeName

    init() throws {
        web = try UnitName("web.service")
        side = try UnitName("side.service")
        alpha = try #require(MachineID(String(repeating: "a", count: 32)))
        beta = try #require(MachineID(String(repeating: "b", count: 32)))
        data = try VolumeName("state:data")
    }

    private static let text = "[Service]\nExecStart=/bin/true\nStateDirectory=data\n[X-Fleet]\nVolumePolicy=sticky\n"

    /// A unit that is on alpha with its volume, and a second machine.
    private func world(sharing: Bool = false) throws -> World {
        var world = try World()
        for machine in [alpha, beta] {
            let presence = MachinePresence(
                hostname: "h",
                primaryIP: "",
                metadata: [:],
                version: "1",
                systemdVersion: "257",
                since: World.user.at
            )
            world.registry.put(.presence(machine), presence)
        }
        for name in sharing ? [web, side] : [web] {
            try world.submit(name.description, Self.text, .launched)
            world.registry.put(.assignment(alpha, name), try assignment(name, world))
        }
        world.registry.put(.volume(data), VolumeHome(machine: alpha, unit: web, since: World.user.at))
        return world
    }

    private func assignment(_ name: UnitName, _ world: World) throws -> Assignment {
        let unit = try #require(world.snapshot.units[name])
        return Assignment(
            file: unit.intent.file,
            target: .launched,
            generation: unit.generation,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: Epoch(1),
            reason: "test",
            at: World.user.at,
            volumes: [data]
        )
    }

    @Test("A unit that may have data is not moved off them, unless that is said")
    func move() throws {
        var world = try world()
        let refused = try world.perform(.move([web], to: beta))[web]?.refusal
        #expect(
            refused?.message == """
                web.service cannot be moved to bbbbbbbb: its volume state:data is on aaaaaaaa, with data as far as is known \
                (VolumePolicy=sticky; 'fleetctl move web.service MACHINE --lose-volumes' leaves it behind)
                """
        )
        #expect(world.snapshot.moves.isEmpty)
        #expect(try world.perform(.move([web], to: beta, losesVolumes: true))[web]?.isChanged == true)
        #expect(world.snapshot.moves[web]?.losesVolumes == true)
        #expect(try world.perform(.move([web], to: beta, losesVolumes: true))[web]?.isUnchanged == true)
    }

    @Test("It works with the machine gone, and says so without")
    func lost() throws {
        var world = try world()
        world.registry.delete(.presence(alpha))
        let message = try world.perform(.move([web], to: beta))[web]?.refusal?.message
        #expect(message?.contains("its volume state:data is on aaaaaaaa, which is not present") == true)
        #expect(try world.perform(.move([web], to: beta, losesVolumes: true))[web]?.isChanged == true)
    }

    @Test("Who shares a volume is named too")
    func shared() throws {
        var world = try world(sharing: true)
        let refused = try world.perform(.move([web], to: beta, losesVolumes: true))[web]?.refusal
        #expect(
            refused?.message
                == "web.service shares its volume state:data with side.service: name them all in one command, or stop the others"
        )
        let both = try world.perform(.move([web, side], to: beta, losesVolumes: true))
        #expect(both.values.filter(\.isChanged).count == 2)
    }

    @Test("A home is forgotten while no unit is there, and only if there is one")
    func forget() throws {
        var world = try world()
        let inUse = #expect(throws: UseCaseError.self) { try world.plan(.forgetVolumes([data])) }
        #expect(inUse?.message == "web.service uses state:data: unload it first, or move it with --lose-volumes")
        world.registry.delete(.assignment(alpha, web))
        try world.perform(.forgetVolumes([data]))
        #expect(world.snapshot.volumeHomes.isEmpty)
        let gone = #expect(throws: UseCaseError.self) { try world.plan(.forgetVolumes([data])) }
        #expect(gone?.kind == .notFound)
    }

    @Test("Destroying a unit leaves the home of its volume")
    func destroy() throws {
        var world = try world()
        try world.perform(.destroy([web]))
        #expect(world.snapshot.volumeHomes[data]?.machine == alpha)
    }
}
