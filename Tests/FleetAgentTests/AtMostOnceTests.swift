import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// `AtMostOnce=` units in the agent's core: nothing starts without the lock, and what has lost it stops.
@Suite struct AtMostOnceTests {
    static let other = machineID("ffffffffffffffffffffffffffffffff")
    let db: UnitName = "db.service"

    var guarded: Assignment {
        var assignment = Assignment.launched()
        assignment.atMostOnce = true
        return assignment
    }

    func dead(allowed: Bool) -> UnitObservation {
        var observation = UnitObservation.dead()
        observation.isAllowed = allowed
        return observation
    }

    func running(allowed: Bool = true) -> UnitObservation {
        var observation = UnitObservation.running()
        observation.isAllowed = allowed
        return observation
    }

    /// A bench on which the unit runs under its lock.
    func benchWithRunningUnit() -> Bench {
        var bench = Bench.ready()
        _ = bench.assign(db, guarded)
        _ = bench.end(db, as: dead(allowed: false))
        _ = bench.step(.locked(db))
        _ = bench.end(db, as: running())
        return bench
    }

    @Test func theLockComesBeforeTheStart() {
        var bench = Bench.ready()
        #expect(bench.assign(db, guarded) == ["perform install db.service"])
        let afterInstall = bench.end(db, as: dead(allowed: false))
        #expect(afterInstall.contains("lock db.service") && !afterInstall.contains("perform start db.service"))
        #expect(bench.step(.locked(db)).contains("perform start db.service"))
    }

    @Test func aLockThatAnotherMachineHasIsWaitedFor() {
        var bench = Bench.ready()
        _ = bench.assign(db, guarded)
        _ = bench.end(db, as: dead(allowed: false))
        let lines = bench.step(.lockLost(db, to: Self.other))
        #expect(lines.contains("event db.service blocked: waits until ffffffff has stopped it (AtMostOnce=)"))
        #expect(lines.contains("lock db.service") && !lines.contains("perform start db.service"))
        #expect(bench.step(.locked(db)).contains("perform start db.service"))
    }

    @Test func aRunningUnitWhoseLockIsElsewhereIsStoppedEvenWithoutTheRegistry() {
        var bench = benchWithRunningUnit()
        _ = bench.step(.registryLost)
        #expect(bench.step(.lockLost(db, to: Self.other)).contains("perform stop db.service"))
    }

    @Test func whatTheFenceHasEndedIsStartedAgainUnderANewLock() {
        var bench = benchWithRunningUnit()
        let killed = UnitObservation.state("failed", "failed") {
            $0.result = "timeout"
            $0.isAllowed = false
        }
        let lines = bench.step(.observed(db, killed))
        #expect(lines.contains { $0.hasPrefix("event db.service stopped: stopped by the fence") })
        #expect(!lines.contains { $0.contains("failed exit") || $0.hasPrefix("journal") }, "no failure: \(lines)")
        #expect(lines.contains("lock db.service"))
        _ = bench.end(db, as: dead(allowed: false))
        #expect(bench.step(.locked(db)).contains("perform start db.service"))
    }

    /// As long as the locks do not hear that its end was seen, they arm the fence for no unit at all.
    @Test func whatTheFenceHasForestalledIsGivenUpWhenItIsAnOrdinaryUnitByThen() {
        var bench = Bench.ready()
        _ = bench.assign(db, guarded)
        _ = bench.end(db, as: dead(allowed: false))
        #expect(bench.step(.locked(db)).contains("perform start db.service"))
        _ = bench.assign(db, .launched(fileB, generation: 2))
        #expect(bench.end(db, .done, as: dead(allowed: false)).contains("perform install db.service"))
        #expect(bench.end(db, as: .dead(fileB)).contains("unlock db.service"))
    }

    @Test func aStartThatTheFenceHasForestalledIsNoRun() {
        var bench = Bench.ready()
        _ = bench.assign(db, guarded)
        _ = bench.end(db, as: dead(allowed: false))
        _ = bench.step(.locked(db))
        let lines = bench.end(db, .done, as: dead(allowed: false))
        #expect(lines.contains("lock db.service"), "\(lines)")
        #expect(bench.ledger[db]?.carriedOut == nil)
    }

    @Test func aUnitThatEndedByItselfIsNotStartedAgain() {
        var bench = benchWithRunningUnit()
        let lines = bench.step(.observed(db, dead(allowed: true)))
        #expect(!lines.contains { $0.contains("fence") || $0.contains("lock") || $0.contains("start db") }, "\(lines)")
    }

    @Test func theLockIsGivenUpAfterTheUnitIsGone() {
        var bench = benchWithRunningUnit()
        #expect(bench.assign(db, nil).contains("perform stop db.service"))
        #expect(bench.end(db, as: dead(allowed: true)).contains("perform remove db.service"))
        #expect(bench.end(db, as: nil).contains("unlock db.service"))
    }

    @Test func aFailedRunGivesTheLockUp() {
        var bench = benchWithRunningUnit()
        var failed = UnitObservation.failed()
        failed.isAllowed = true
        #expect(bench.step(.observed(db, failed)).contains("journal db.service 1.0 [i1]"))
        #expect(bench.step(.journal(db, .first, lines: [])).contains("unlock db.service"))
    }

    @Test func aRestartedFleetdMakesSureOfTheLockAndTouchesNothing() {
        var bench = benchWithRunningUnit()
        bench.restart()
        _ = bench.step(.locksInherited([db]))
        _ = bench.step(.connected([db: running()]))
        let lines = bench.step(.listed(assignments: [db: guarded], refusals: [:]))
        #expect(lines.contains("lock db.service") && !lines.contains { $0.hasPrefix("perform") }, "\(lines)")
        #expect(bench.step(.locked(db)) == [])
    }

    @Test func whatIsLeftOfAnUnwantedUnitIsUnlocked() {
        var bench = Bench()
        _ = bench.step(.locksInherited([db]))
        _ = bench.step(.connected([:]))
        #expect(bench.step(.listed(assignments: [:], refusals: [:])).contains("unlock db.service"))
    }
}
