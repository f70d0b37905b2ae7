import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct SetTargetsTests {
    private let retry = RescheduleVerdict.retry(at: Timestamp(milliseconds: 2_000_000))

    @Test func startOfAHealthyLaunchedUnitIsUnchanged() throws {
        var world = try World()
        try world.submit("web.service", World.simple, .launched)
        try world.report("web.service")
        #expect(try world.perform(.target([UnitName("web.service")], .launched)).values.allSatisfy(\.isUnchanged))
    }

    /// A unit that failed once and came back keeps its record, and is healthy all the same.
    @Test func startOfAUnitThatCameBackIsUnchanged() throws {
        var world = try World()
        try world.submit("web.service", World.simple, .launched)
        try world.record("web.service", count: 1, retry)
        try world.report("web.service", attempt: 1)
        #expect(try world.perform(.target([UnitName("web.service")], .launched)).values.allSatisfy(\.isUnchanged))
    }

    @Test(arguments: ["failed", "given up", "waits", "newer failure"])
    func startOfAFailedUnitTriesAgain(_ what: String) throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service", World.simple, .launched)
        switch what {
        case "failed": try world.report("web.service", active: "failed", failed: true)
        case "given up": try world.record("web.service", count: 5, .givenUp(reason: "5 failures"))
        case "waits": try world.record("web.service", count: 1, retry)
        default:
            try world.record("web.service", count: 2, retry)
            try world.report("web.service", attempt: 1)
        }
        #expect(try world.perform(.target([unit], .launched)) == [unit: .changed(2)])
        #expect(world.snapshot.units[unit]?.target.generation == 2)
        #expect(world.snapshot.failures[unit] == nil)
    }

    /// State, command, result: nil is refused.
    @Test(arguments: [
        (TargetState.launched, TargetState.loaded, TargetState?.some(.loaded)),
        (.loaded, .loaded, .loaded),
        (.inactive, .loaded, nil),
        (.launched, .inactive, .inactive),
        (.loaded, .inactive, .inactive),
        (.inactive, .inactive, .inactive),
    ])
    func loweringNeverRaises(_ stored: TargetState, _ wanted: TargetState, _ result: TargetState?) throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service", World.simple, stored)
        let effect = try world.perform(.lower([unit], to: wanted))[unit]
        #expect(try world.target("web.service") == result ?? stored)
        #expect((effect?.refusal != nil) == (result == nil))
        if result == nil { #expect(effect?.refusal?.message == "Unable to stop unit web.service in state inactive") }
    }

    @Test func onlyTheMissingOneIsRefused() throws {
        var world = try World()
        try world.submit("web.service")
        let missing = try UnitName("no.service")
        let effects = try world.perform(.target([missing, UnitName("web.service")], .launched))
        #expect(effects[missing]?.refusal?.kind == .notFound)
        #expect(effects[try UnitName("web.service")]?.isChanged == true)
    }

    @Test(arguments: [(TargetState.launched, Generation(2)), (.loaded, 0)])
    func restart(_ stored: TargetState, _ restart: Generation) throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service", World.simple, stored)
        #expect(try world.perform(.restart([unit])) == [unit: .changed(2)])
        #expect(world.snapshot.units[unit]?.target.restart == restart)
        #expect(try world.target("web.service") == .launched)
    }

    @Test func restartOfAnInactiveUnitIsRefused() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service")
        #expect(
            try world.perform(.restart([unit]))[unit]?.refusal?.message
                == "Unable to restart unit web.service in state inactive"
        )
    }

    @Test func whatWasCommittedIsNotRestartedTwice() throws {
        let first = try UnitName("a.service")
        let second = try UnitName("b.service")
        #expect(Change.restart([first, second]).excluding([first]) == .restart([second]))
    }

    @Test func resetFailedForgetsAndTriesAgain() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service", World.simple, .launched)
        #expect(try world.perform(.resetFailed([unit])) == [unit: .unchanged(1)])
        try world.record("web.service", count: 5, .givenUp(reason: "5 failures"))
        #expect(try world.perform(.resetFailed([unit])) == [unit: .changed(2)])
        #expect(world.snapshot.failures[unit] == nil)
        #expect(try world.target("web.service") == .launched)
    }

    @Test func aConcurrentChangeConflicts() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service")
        let late = try world.plan(.target([unit], .launched))
        try world.perform(.target([unit], .loaded))
        let transaction = try #require(late.steps.first?.transaction)
        let isCommitted = world.registry.commit(transaction)
        #expect(!isCommitted)
    }
}
