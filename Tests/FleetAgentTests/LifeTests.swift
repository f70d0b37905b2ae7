import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// The life of a unit, step by step: input, then every directive that came of it.
@Suite struct LifeTests {
    let web: UnitName = "web.service"
    let db: UnitName = "db.service"

    @Test func assignedInstalledStartedWatched() {
        var bench = Bench.ready()
        #expect(bench.assign(web, .launched()) == ["perform install web.service"])
        #expect(bench.end(web, as: .dead()) == ["perform start web.service"])
        #expect(
            bench.end(web, as: .running()) == [
                "remember web.service 1.0 launched",
                "publish web.service active/running 1.0 settled",
                "event web.service started: started: active (running)",
            ]
        )
        #expect(bench.step(.observed(web, .running())) == [])
    }

    @Test func slowStartIsShownAndRememberedBeforeItEnds() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        _ = bench.end(web, as: .dead())
        let starting = UnitObservation.state("activating", "start") { $0.invocation = "i1" }
        #expect(
            bench.step(.observed(web, starting)) == [
                "remember web.service 1.0 launched", "publish web.service activating/start 1.0",
            ]
        )
        #expect(
            bench.end(web, as: .running()) == [
                "publish web.service active/running 1.0 settled",
                "event web.service started: started: active (running)",
            ]
        )
    }

    @Test func loadedIsInstalledOnly() {
        var bench = Bench.ready()
        #expect(bench.assign(web, .loaded()) == ["perform install web.service"])
        #expect(
            bench.end(web, as: .dead()) == [
                "remember web.service 1.0 loaded", "publish web.service inactive/dead 1.0 settled",
            ]
        )
    }

    @Test func whatIsDueTogetherIsInstalledTogetherAndStartedSingly() {
        var bench = Bench.ready()
        #expect(
            bench.step(.assigned([web: .launched(), db: .launched()])) == ["perform install db.service web.service"]
        )
        _ = bench.step(.observed(db, .dead()))
        _ = bench.step(.observed(web, .dead()))
        bench.flights = [:]
        #expect(
            bench.step(.finished(1, [web: .done, db: .done])) == [
                "perform start db.service", "perform start web.service",
            ]
        )
    }

    @Test func launchedToLoadedStopsOnce() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.assign(web, .loaded(generation: 2)) == ["perform stop web.service"])
        #expect(
            bench.end(web, as: .dead()) == [
                "remember web.service 2.0 loaded", "publish web.service inactive/dead 2.0 settled",
                "event web.service stopped: stopped, because its target state is loaded",
            ]
        )
        // Its timer starts it: not ours to undo, nor when a newer generation says the same.
        #expect(bench.step(.observed(web, .running())) == ["publish web.service active/running 2.0 settled"])
        #expect(
            bench.assign(web, .loaded(generation: 3)) == [
                "remember web.service 3.0 loaded", "publish web.service active/running 3.0 settled",
            ]
        )
    }

    /// The machine was lost and came back, and the unit with it, while its stop took its time.
    @Test func wantedBackUnderTheSameRunWhileItStopsItIsStartedAgain() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.assign(web, nil) == ["perform stop web.service"])
        #expect(bench.assign(web, .launched()) == [])
        #expect(bench.end(web, as: .dead()).contains("perform start web.service"))
        #expect(
            bench.end(web, as: .running(fileA, "i2")).contains("event web.service started: started: active (running)")
        )
        #expect(bench.step(.observed(web, .running(fileA, "i2"))) == [])
    }

    /// The same, with a new fleetd in between, which finds the stop done or not begun.
    @Test(arguments: [true, false]) func theSameOverARestartOfFleetd(isDone: Bool) {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.assign(web, nil)
        bench.restart()
        _ = bench.step(.connected([web: isDone ? .dead() : .running()]))
        let lines = bench.step(.listed(assignments: [web: .launched()], refusals: [:]))
        #expect(lines.contains("perform start web.service") == isDone)
        #expect(!lines.contains("perform stop web.service"))
    }

    @Test func loadedToLaunchedAdoptsWhatItsSocketStarted() {
        var bench = Bench.ready()
        bench.run(web, .loaded())
        _ = bench.step(.observed(web, .running()))
        #expect(
            bench.assign(web, .launched(generation: 2)) == [
                "remember web.service 2.0 launched", "publish web.service active/running 2.0 settled",
                "event web.service started: already running; left as it is",
            ]
        )
    }

    @Test func failedToLoadedForgetsTheFailedState() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.step(.observed(web, .failed()))
        _ = bench.step(.journal(web, RunID(generation: 1, attempt: 0), lines: []))
        #expect(bench.assign(web, .loaded(generation: 2)) == ["perform resetFailed web.service"])
        #expect(
            bench.end(web, as: .dead()) == [
                "remember web.service 2.0 loaded", "publish web.service inactive/dead 2.0 settled",
            ]
        )
    }

    @Test func newFileIsStoppedInstalledStarted() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.assign(web, .launched(fileB, generation: 2)) == ["perform stop web.service"])
        #expect(
            bench.end(web, as: .failed()) == [
                "event web.service stopped: stopped, because its unit file changed",
                "perform resetFailed web.service",
            ]
        )
        #expect(bench.end(web, as: .dead()) == ["perform install web.service"])
        #expect(bench.end(web, as: .dead(fileB)) == ["perform start web.service"])
        #expect(
            bench.end(web, as: .running(fileB, "i2")) == [
                "remember web.service 2.0 launched", "publish web.service active/running 2.0 settled",
                "event web.service started: started: active (running)",
            ]
        )
    }

    /// Somebody has put another file there. The wanted one comes back, and with it the run that was stopped for it.
    @Test func anotherFileIsReplacedAndTheUnitRunsAgain() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.step(.observed(web, .running(fileB))).contains("perform stop web.service"))
        #expect(bench.end(web, as: .dead(fileB)).last == "perform install web.service")
        #expect(bench.end(web, as: .dead()) == ["perform start web.service"])
    }

    @Test func whatWasAskedForOverALostConnectionIsNotDoneAnyMore() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        let old = try #require(bench.flights[web])
        #expect(bench.core.remainder(old.id, old.operation) == old.operation)
        _ = bench.step(.disconnected)
        #expect(bench.core.remainder(old.id, old.operation) == nil)
        bench.flights = [:]
        #expect(bench.step(.connected([:])) == ["perform install web.service"])
        #expect(bench.core.remainder(old.id, old.operation) == nil)
        let new = try #require(bench.flights[web])
        #expect(bench.core.remainder(new.id, new.operation) == new.operation)
    }

    @Test func fileChangedInFlightIsTakenUpWhenTheOperationEnds() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        #expect(bench.assign(web, .launched(fileB, generation: 2)) == [])
        #expect(bench.end(web, as: .dead()) == ["perform install web.service"])
    }

    @Test func newerGenerationOfTheSameFileTouchesNothing() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(
            bench.assign(web, .launched(generation: 2)) == [
                "remember web.service 2.0 launched", "publish web.service active/running 2.0 settled",
                "event web.service started: already running; left as it is",
            ]
        )
    }

    @Test func restartGeneration() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.assign(web, .launched(generation: 2, restart: 2)) == ["perform restart web.service"])
        #expect(
            bench.end(web, as: .running(fileA, "i2")) == [
                "remember web.service 2.0 launched restart 2", "publish web.service active/running 2.0 settled",
                "event web.service started: restarted: active (running)",
            ]
        )
        #expect(bench.assign(web, .launched(generation: 2, restart: 2)) == [])
    }

    @Test func restartOfAStoppedUnitStartsIt() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.step(.observed(web, .dead(fileA, "i1")))
        #expect(bench.assign(web, .launched(generation: 2, restart: 2)) == ["perform start web.service"])
    }

    @Test func unassignedIsStoppedThenRemovedThenForgotten() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.assign(web, nil) == ["perform stop web.service"])
        let stopping = UnitObservation.state("deactivating", "stop-sigterm") { $0.invocation = "i1" }
        #expect(bench.step(.observed(web, stopping)) == ["publish web.service deactivating/stop-sigterm 1.0"])
        #expect(bench.end(web, as: .dead()) == ["perform remove web.service"])
        #expect(
            bench.end(web, as: nil) == [
                "forget web.service", "publish web.service gone",
                "event web.service stopped: stopped and removed: not assigned to this machine",
            ]
        )
        #expect(bench.core.tracks.isEmpty)
    }

    @Test func assignedAgainWhileBeingStopped() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.assign(web, nil)
        #expect(bench.assign(web, .launched(generation: 2)) == [])
        #expect(
            bench.end(web, as: .dead(fileA, "i1")) == ["perform start web.service"]
        )
    }

    @Test func leftoverIsRemovedOnlyOnceTheListHasCome() {
        var bench = Bench()
        #expect(bench.step(.connected([web: .running(), db: .dead()])) == [])
        #expect(bench.step(.observed(web, .running(fileA, "i2"))) == [])
        #expect(
            bench.step(.listed(assignments: [:], refusals: [:])) == [
                "perform remove db.service", "perform stop web.service",
            ]
        )
    }

    @Test func unitsThatAreNotOursAreNeverTouched() {
        var bench = Bench.ready()
        #expect(bench.step(.observed(web, .running(nil))) == [])
        #expect(bench.step(.observed(db, .failed(nil))) == [])
    }

    @Test func oneUnitNeverWaitsForAnother() {
        var bench = Bench.ready()
        _ = bench.step(.assigned([web: .launched()]))
        #expect(bench.assign(db, .launched()) == ["perform install db.service"])
        #expect(bench.end(db, as: .dead()) == ["perform start db.service"])
        _ = bench.end(web, .failed(OperationFailure(kind: .badUnit, message: "bad")), as: nil)
        #expect(bench.end(db, as: .running()).contains("publish db.service active/running 1.0 settled"))
    }

    @Test func unreadableAssignmentLeavesTheUnitAlone() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.step(.listed(assignments: [:], refusals: [:], unreadable: [web])) == [])
        #expect(bench.step(.unreadable(db)) == [])
        #expect(bench.step(.connected([web: .running(), db: .running()])) == [])
        #expect(bench.assign(db, nil) == ["perform stop db.service"])
    }
}
