import FleetModel
import FleetPlanner
import Testing
import UnitFile

@Suite("Units with configs and secrets")
struct CredentialTests {
    private let db = TestFleet.secret("db")
    private let keys = TestFleet.keys

    @Test("A unit goes where all its secrets can be opened, and the reason elsewhere is told")
    func eligibility() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"))
        fleet.machine(machine("b"))
        fleet.give([keys[1]], to: machine("b"))
        fleet.submit(unit("web.service"), .secrets(["db"]))
        #expect(fleet.plan().summary == [])
        let stored = try #require(fleet.snapshot.units[unit("web.service")])
        #expect(
            Eligibility.explain(stored, in: fleet.snapshot)[machine("a")]?.description
                == "it asks for the secret db, which is not set: 'fleetctl secret set db FILE'"
        )
        fleet.set(db, under: keys[1])
        #expect(
            Eligibility.explain(stored, in: fleet.snapshot).mapValues(\.description) == [
                machine("a"): "the secret db is sealed under the key 0000000b, which the machine does not have"
            ]
        )
        #expect(fleet.plan().summary == ["web+b"])
        fleet.apply(fleet.plan())
        #expect(
            fleet.snapshot.assignments[unit("web.service")]?[machine("b")]?.credentials == stored.options.credentials
        )
        // What runs has what it needs.
        fleet.give([], to: machine("b"))
        fleet.set(db, under: nil)
        fleet.apply(fleet.plan())
        #expect(fleet.snapshot.assignments[unit("web.service")]?.keys.sorted() == [machine("b")])
        #expect(fleet.plan().decisions.isEmpty)
    }

    @Test("A secret that is set anew makes a new run of those who want it")
    func restart() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"))
        fleet.give(keys, to: machine("a"))
        fleet.set(db, under: keys[0])
        fleet.submit(unit("eager.service"), .secrets(["db"], onChange: .restart))
        fleet.submit(unit("plain.service"), .secrets(["db"]))
        fleet.apply(fleet.plan())
        let before = try #require(fleet.snapshot.assignments[unit("eager.service")]?[machine("a")])
        fleet.set(db, under: keys[0])
        let plan = fleet.plan()
        #expect(plan.decisions.map(\.unit) == [unit("eager.service")])
        #expect(plan.decisions.first?.reason.description.contains("RestartOnChange= for was set anew") == true)
        fleet.apply(plan)
        let after = try #require(fleet.snapshot.assignments[unit("eager.service")]?[machine("a")])
        #expect(after.generation > before.generation && after.restart == after.generation && after.attempt == 0)
    }

    @Test("A unit that is reloaded for a secret goes on with its run")
    func reload() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"))
        fleet.give(keys, to: machine("a"))
        fleet.set(db, under: keys[0])
        let web = unit("web.service")
        fleet.submit(web, .secrets(["db"], onChange: .reload))
        fleet.apply(fleet.plan())
        let before = try #require(fleet.snapshot.assignments[web]?[machine("a")])
        let first = try #require(before.reload)
        fleet.set(db, under: keys[0])
        let plan = fleet.plan()
        #expect(plan.decisions.first?.reason.description.contains("RestartOnChange= for was set anew") == true)
        fleet.apply(plan)
        var after = try #require(fleet.snapshot.assignments[web]?[machine("a")])
        #expect(after.run == before.run && after.restart == before.restart)
        #expect(try #require(after.reload) > first)
        #expect(fleet.plan().decisions.isEmpty)
        (after.reload, after.reason, after.at) = (before.reload, before.reason, before.at)
        #expect(after == before)
    }

    @Test("A unit that was given up for a bad secret is tried again with another one")
    func forgiven() throws {
        var fleet = TestFleet()
        fleet.machine(machine("a"))
        fleet.give(keys, to: machine("a"))
        fleet.set(db, under: keys[0])
        var options = FleetOptions.secrets(["db"], onChange: .restart)
        options.reschedule.trigger = .never
        fleet.submit(unit("web.service"), options)
        fleet.apply(fleet.plan())
        fleet.fail(unit("web.service"), on: machine("a"))
        fleet.apply(fleet.plan())
        #expect(fleet.plan().decisions.isEmpty)
        let old = fleet.snapshot.assignments[unit("web.service")]?[machine("a")]?.generation
        fleet.set(db, under: keys[0])
        fleet.apply(fleet.plan())
        let new = fleet.snapshot.assignments[unit("web.service")]?[machine("a")]?.generation
        #expect(try #require(new) > old ?? 0)
    }
}
