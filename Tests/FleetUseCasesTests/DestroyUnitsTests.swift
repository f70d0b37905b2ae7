import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct DestroyUnitsTests {
    @Test func everythingOfTheUnitGoes() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service", World.simple, .launched)
        try world.record("web.service", count: 1, .givenUp(reason: "enough"))
        #expect(try world.perform(.destroy([unit])) == [unit: .destroyed])
        #expect(world.registry.entries.isEmpty)
        #expect(try world.perform(.destroy([unit]))[unit]?.refusal?.kind == .notFound)
    }

    @Test func aFileGoesWithItsLastUser() throws {
        var world = try World()
        try world.submit("a.service")
        try world.submit("b.service")
        try world.perform(.destroy([UnitName("a.service")]))
        #expect(world.files == [ContentHash(of: World.simple)])
        try world.perform(.destroy([UnitName("b.service")]))
        #expect(world.files.isEmpty)
    }

    @Test func bothUsersAtOnce() throws {
        var world = try World()
        try world.submit("a.service")
        try world.submit("b.service")
        try world.perform(.destroy([UnitName("a.service"), UnitName("b.service")]))
        #expect(world.registry.entries.isEmpty)
    }

    /// The last user goes while another unit with the same text comes: the file must not go with it.
    @Test func aNewUserMeanwhileConflicts() throws {
        var world = try World()
        try world.submit("a.service")
        let late = try world.plan(.destroy([UnitName("a.service")]))
        try world.submit("b.service")
        let transaction = try #require(late.steps.first?.transaction)
        let isCommitted = world.registry.commit(transaction)
        #expect(!isCommitted)
        try world.perform(.destroy([UnitName("a.service")]))
        #expect(world.files == [ContentHash(of: World.simple)])
    }

    @Test func aReplacedFileThatANewUnitTakesOver() throws {
        var world = try World()
        try world.submit("a.service", World.simple)
        try world.perform(
            .submit(
                [
                    Submission(name: UnitName("a.service"), text: World.other),
                    Submission(name: UnitName("b.service"), text: World.simple),
                ],
                target: .inactive,
                replace: true
            )
        )
        #expect(world.files == [ContentHash(of: World.simple), ContentHash(of: World.other)])
    }

    /// fleet could not remove a unit that it could not read.
    @Test(arguments: ["unit", "target", "file"])
    func anUnreadableUnitCanBeDestroyed(_ what: String) throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service")
        switch what {
        case "unit": world.registry.put(.unit(unit), text: "nonsense")
        case "target": world.registry.put(.target(unit), text: "{\"v\":1,\"state\":\"nonsense\"}")
        default: world.registry.put(.file(ContentHash(of: World.simple)), text: "[Service")
        }
        try #require(world.snapshot.units[unit] == nil)
        #expect(try world.perform(.target([unit], .launched))[unit]?.refusal?.kind == .conflict)
        #expect(try world.perform(.destroy([unit])) == [unit: .destroyed])
        // Which file an unreadable unit had is not known: that one stays.
        #expect(world.registry.entries.count == (what == "unit" ? 1 : 0))
    }
}
