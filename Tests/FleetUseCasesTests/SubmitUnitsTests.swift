import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

@Suite struct SubmitUnitsTests {
    @Test func newUnitIsStoredWithItsFileTargetAndEvent() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        let effects = try world.perform(
            .submit([Submission(name: unit, text: World.simple)], target: .launched, replace: .keep)
        )
        #expect(effects == [unit: .changed(1)])
        let stored = try #require(world.snapshot.units[unit])
        #expect(stored.intent == UnitIntent(file: ContentHash(of: World.simple), generation: 1, submitted: World.user))
        #expect(stored.target == UnitTarget(state: .launched, generation: 1, set: World.user))
        #expect(
            world.registry.entries[RegistryKey.file(stored.intent.file).key(in: .standard)]?.value
                == Array(World.simple.utf8)
        )
        #expect(world.snapshot.eventIDs[unit]?.count == 1)
    }

    /// Stored state, target asked for, replacement: what becomes of the file and of the target state.
    @Test(arguments: [
        (TargetState.inactive, TargetState.inactive, Replacement.keep, false, TargetState.inactive),
        (.launched, .inactive, .keep, false, .launched),
        (.loaded, .launched, .keep, false, .launched),
        (.launched, .loaded, .keep, false, .loaded),
        (.inactive, .inactive, .withinTarget, true, .inactive),
        (.loaded, .loaded, .withinTarget, true, .loaded),
        (.inactive, .launched, .withinTarget, true, .launched),
        (.launched, .launched, .withinTarget, true, .launched),
        (.launched, .inactive, .always, true, .inactive),
        (.inactive, .launched, .always, true, .launched),
    ])
    func differentFile(
        _ stored: TargetState,
        _ target: TargetState,
        _ replace: Replacement,
        _ isReplaced: Bool,
        _ result: TargetState
    ) throws {
        var world = try World()
        try world.submit("web.service", World.simple, stored)
        let unit = try UnitName("web.service")
        let effects = try world.perform(
            .submit([Submission(name: unit, text: World.other)], target: target, replace: replace)
        )
        #expect(try world.file("web.service") == ContentHash(of: isReplaced ? World.other : World.simple))
        #expect(try world.target("web.service") == result)
        if replace == .keep {
            #expect(effects[unit] == .differs(stored == result ? 1 : 2, isChanged: stored != result))
        } else {
            #expect(effects[unit] == .changed(2))
            #expect(world.files == [ContentHash(of: World.other)])
        }
    }

    @Test(arguments: [(TargetState.launched, TargetState.inactive), (.launched, .loaded), (.loaded, .inactive)])
    func replaceRefusesToLowerTheTarget(_ stored: TargetState, _ target: TargetState) throws {
        var world = try World()
        try world.submit("web.service", World.simple, stored)
        let unit = try UnitName("web.service")
        let effects = try world.perform(
            .submit([Submission(name: unit, text: World.other)], target: target, replace: true)
        )
        #expect(effects[unit]?.refusal?.kind == .conflict)
        let message = "can not replace Unit(web.service) in state '\(stored.rawValue)', use the appropriate command"
        #expect(effects[unit]?.refusal?.message == message)
        #expect(try world.file("web.service") == ContentHash(of: World.simple))
    }

    @Test func sameFileIsUnchanged() throws {
        var world = try World()
        try world.submit("web.service")
        let unit = try UnitName("web.service")
        let plan = try world.plan(
            .submit([Submission(name: unit, text: World.simple)], target: .inactive, replace: true)
        )
        #expect(plan.steps.isEmpty)
        #expect(plan.outcome.units == [unit: .unchanged(1)])
    }

    @Test func aMissingUnitWithoutTextIsNotFound() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        let effects = try world.perform(.submit([Submission(name: unit, text: nil)], target: .launched, replace: .keep))
        #expect(effects[unit]?.refusal?.kind == .notFound)
        #expect(effects[unit]?.refusal?.message == "unable to find Unit(web.service) in Registry or on filesystem")
    }

    @Test func templatesAreStoredButNotActivated() throws {
        var world = try World()
        let unit = try UnitName("web@.service")
        #expect(
            try world.perform(.submit([Submission(name: unit, text: World.simple)], target: .launched, replace: .keep))[
                unit
            ]?
            .refusal?.kind == .invalid
        )
        #expect(world.snapshot.units.isEmpty)
        #expect(
            try world.perform(.submit([Submission(name: unit, text: World.simple)], target: .inactive, replace: .keep))[
                unit
            ]
                == .changed(1)
        )
        #expect(try world.perform(.target([unit], .loaded))[unit]?.refusal?.kind == .invalid)
    }

    @Test func oneBadFileAndNothingIsStored() throws {
        var world = try World()
        let good = Submission(name: try UnitName("good.service"), text: World.simple)
        let bad = Submission(
            name: try UnitName("bad.service"),
            text: "[Service\nExecStart=/bin/true\n",
            path: "x/bad.service"
        )
        let error = #expect(throws: UseCaseError.self) {
            try world.plan(.submit([good, bad], target: .inactive, replace: .keep))
        }
        #expect(error?.kind == .invalid)
        #expect(error?.message.hasPrefix("x/bad.service:1:") == true)
    }

    /// fleet validated only units that were new.
    @Test func replacementIsValidatedToo() throws {
        var world = try World()
        try world.submit("web.service")
        let bad = Submission(name: try UnitName("web.service"), text: "[Service\n")
        #expect(throws: UseCaseError.self) { try world.plan(.submit([bad], target: .inactive, replace: .always)) }
    }

    @Test func aNameGivenTwice() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        let first = Submission(name: unit, text: World.simple)
        #expect(try world.perform(.submit([first, first], target: .inactive, replace: .keep)) == [unit: .changed(1)])
        let second = Submission(name: unit, text: World.other)
        #expect(throws: UseCaseError.self) {
            try world.plan(.submit([first, second], target: .inactive, replace: .keep))
        }
    }

    /// An old copy of the name is still on a machine: the new unit's runs must not be taken for its.
    @Test func generationsGoOnAfterADestroy() throws {
        var world = try World()
        try world.submit("web.service", World.simple, .launched)
        try world.report("web.service")
        try world.perform(.target([UnitName("web.service")], .inactive))
        try world.report("web.service")
        try world.perform(.destroy([UnitName("web.service")]))
        try world.submit("web.service")
        #expect(try #require(world.snapshot.units[UnitName("web.service")]).generation > 2)
    }

    /// An agent that is cut off may be at a run that nobody has heard of, and the engine has long taken the unit away.
    @Test func generationsGoOnAfterADestroyOfWhichNoTraceIsLeft() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        try world.submit("web.service", World.simple, .launched)
        for state in [TargetState.inactive, .launched, .loaded, .launched] {
            try world.perform(.target([unit], state))
        }
        let last = try #require(world.snapshot.units[unit]).generation
        try world.perform(.destroy([unit]))
        try world.submit("web.service")
        #expect(try #require(world.snapshot.units[unit]).generation > last)
    }

    @Test func whatChangedMeanwhileConflicts() throws {
        var world = try World()
        let unit = try UnitName("web.service")
        let late = try world.plan(
            .submit([Submission(name: unit, text: World.other)], target: .inactive, replace: .keep)
        )
        try world.submit("web.service")
        let transaction = try #require(late.steps.first?.transaction)
        let isCommitted = world.registry.commit(transaction)
        #expect(!isCommitted)
        let again = try world.plan(
            .submit([Submission(name: unit, text: World.other)], target: .inactive, replace: .keep)
        )
        #expect(again.outcome.units == [unit: .differs(1, isChanged: false)])
    }

    @Test func eventsAreBounded() throws {
        var world = try World()
        try world.submit("web.service")
        let unit = try UnitName("web.service")
        for round in 0..<Limits.eventsPerUnit + 5 {
            try world.perform(.target([unit], round.isMultiple(of: 2) ? .launched : .inactive))
        }
        #expect(world.snapshot.eventIDs[unit]?.count == Limits.eventsPerUnit)
    }
}
