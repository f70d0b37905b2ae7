import FleetModel
import FleetPlanner
import Testing
import UnitFile

/// The audit finds what is wrong with plans that the planner would never make.
@Suite struct PlanAuditTests {
    private let a = machine("a")
    private let b = machine("b")
    private let web = unit("web.service")

    private func fleet(_ options: FleetOptions = FleetOptions()) -> TestFleet {
        var fleet = TestFleet()
        for id in [a, b] { fleet.machine(id) }
        fleet.submit(web, options)
        return fleet
    }

    private func assignment(_ fleet: TestFleet, attempt: Int = 0) -> Assignment {
        Assignment(
            file: ContentHash(of: ""),
            target: .launched,
            generation: fleet.snapshot.units[web]?.generation ?? 1,
            restart: 0,
            attempt: attempt,
            atMostOnce: false,
            epoch: fleet.epoch,
            reason: "",
            at: fleet.now
        )
    }

    private func findings(
        _ fleet: TestFleet,
        _ actions: [Decision.Action],
        blocked: [UnitName: BlockedReason] = [:],
        wakeAt: Timestamp? = nil
    ) -> [String] {
        let plan = Plan(
            basedOn: fleet.snapshot.revision,
            epoch: fleet.epoch,
            decisions: actions.map { Decision(unit: web, action: $0, reason: DecisionReason(.stopped)) },
            blocked: blocked,
            considered: [web],
            wakeAt: wakeAt
        )
        return PlanAudit.check(plan, fleet.snapshot, now: fleet.now, scope: .everything).map(\.description)
    }

    /// What a global unit waits for on one machine has nothing to do with how often it was tried on another.
    @Test func aGlobalUnitThatWaitsOnOneMachineIsNotForgotten() {
        var options = FleetOptions()
        options.isGlobal = true
        let fleet = fleet(options)
        var snapshot = fleet.snapshot
        func audit() -> [String] {
            let plan = Plan(
                basedOn: snapshot.revision,
                epoch: fleet.epoch,
                decisions: [],
                blocked: [:],
                considered: [],
                wakeAt: nil
            )
            return PlanAudit.check(plan, snapshot, now: fleet.now, scope: .everything).map(\.description)
        }
        let run = RunID(generation: fleet.snapshot.units[web]?.generation ?? 1, attempt: 0)
        let failed = FailedRun(
            machine: a,
            run: run,
            failure: UnitFailure(cause: .signal, message: "", at: fleet.now)
        )
        let retry = fleet.now.advanced(by: .seconds(5))
        snapshot.failures[web] = [
            .machine(a): FailureRecord(recent: [failed], count: 1, verdict: .retry(at: retry))
        ]
        snapshot.assignments[web] = [b: assignment(fleet, attempt: 1)]
        snapshot.unitsByMachine[b] = [web]
        #expect(audit() == [])
        snapshot.failures[web] = nil
        #expect(audit() == ["web.service is on no machine although aaaaaaaa may have it"])
    }

    @Test func aGoodPlan() {
        let fleet = fleet()
        #expect(findings(fleet, [.assign(a, assignment(fleet))]).isEmpty)
    }

    @Test func twoMachines() {
        let fleet = fleet()
        let both = findings(fleet, [.assign(a, assignment(fleet)), .assign(b, assignment(fleet))])
        #expect(both == ["web.service would be on aaaaaaaa and bbbbbbbb"])
    }

    @Test func anIneligibleMachine() {
        let fleet = fleet(options { $0.machineID = "bbbbbbbb" })
        #expect(
            findings(fleet, [.assign(a, assignment(fleet))]) == [
                "web.service may not be on aaaaaaaa: MachineID=bbbbbbbb"
            ]
        )
    }

    @Test func conflictsTogether() {
        var fleet = fleet(options { $0.conflicts = [UnitPattern("db.service")] })
        fleet.submit(unit("db.service"))
        fleet.force(unit("db.service"), on: a)
        let found = findings(fleet, [.assign(a, assignment(fleet))])
        #expect(found.contains("web.service may not be on aaaaaaaa: conflict with db.service"))
        #expect(found.contains("db.service may not be on aaaaaaaa: conflict with web.service"))
    }

    @Test func aForgottenUnit() {
        let found = findings(fleet(), [])
        #expect(found.contains("web.service is on no machine although aaaaaaaa may have it"))
        #expect(found.contains("web.service is on no machine and the plan does not say why"))
    }

    @Test func aBlockThatIsNotTrue() {
        let found = findings(fleet(), [], blocked: [web: .noEligibleMachine([a: .notPresent, b: .notPresent])])
        #expect(found.first == "web.service is on no machine although aaaaaaaa may have it")
    }

    @Test func aLeftOver() {
        var fleet = fleet()
        fleet.force(web, on: a)
        fleet.target(web, .inactive)
        #expect(findings(fleet, []) == ["web.service stays on aaaaaaaa although it need not be anywhere"])
    }

    @Test func anAttemptThatFalls() {
        var fleet = fleet()
        fleet.force(web, on: a)
        let plan = findings(fleet, [.update(a, assignment(fleet, attempt: 2))])
        #expect(plan.isEmpty)
        let fallen = findings(fleet, [.update(a, assignment(fleet, attempt: -1))])
        #expect(fallen == ["web.service on aaaaaaaa: the attempt goes from 0 to -1"])
    }

    @Test func decisionsWithoutBase() {
        let fleet = fleet()
        #expect(
            findings(fleet, [.update(a, assignment(fleet))]).first
                == "web.service: updated on aaaaaaaa, where it is not"
        )
        let taken = findings(fleet, [.unassign(a), .assign(b, assignment(fleet))])
        #expect(taken == ["web.service: taken from aaaaaaaa, where it is not"])
    }

    @Test func aMachineThatIsNotPresent() {
        let fleet = fleet()
        let found = findings(fleet, [.assign(machine("c"), assignment(fleet))])
        #expect(found.contains("web.service: cccccccc is not present"))
    }

    @Test func outOfOrderAndInThePast() {
        var fleet = fleet()
        fleet.target(web, .inactive)
        fleet.force(web, on: a)
        fleet.force(web, on: b)
        let found = findings(fleet, [.unassign(b), .unassign(a)], wakeAt: fleet.now)
        #expect(found.contains("the decisions on web.service are out of order"))
        #expect(found.contains("the plan asks to be woken at \(fleet.now), which has passed"))
    }
}
