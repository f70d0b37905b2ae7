import FleetModel
import FleetPlanner
import Testing
import UnitFile

@Suite("The audit finds plans that would leave data behind")
struct VolumeAuditTests {
    private let a = machine("a")
    private let b = machine("b")
    private let web = unit("web.service")
    private let data = volume("data")

    /// The unit is on a, its volume too.
    private func fleet(holding: [VolumeName]?) -> TestFleet {
        var fleet = TestFleet()
        for id in [a, b] { fleet.machine(id) }
        fleet.submit(web, volumes: [data])
        fleet.apply(fleet.plan())
        fleet.fail(web, on: a, holding: holding)
        return fleet
    }

    private func findings(_ fleet: TestFleet, _ actions: [Decision.Action]) -> [String] {
        let plan = Plan(
            basedOn: fleet.snapshot.revision,
            epoch: fleet.epoch,
            decisions: actions.map { Decision(unit: web, action: $0, reason: DecisionReason(.stopped)) },
            blocked: [:],
            considered: [web],
            wakeAt: nil
        )
        return PlanAudit.check(plan, fleet.snapshot, now: fleet.now, scope: .everything).map(\.description)
    }

    @Test(
        arguments: [
            ([volume("data")], ["web.service would leave its volume data on aaaaaaaa"]),
            (nil, ["web.service would leave its volume data on aaaaaaaa"]), ([], []),
        ] as [([VolumeName]?, [String])]
    )
    func taken(holding: [VolumeName]?, expected: [String]) throws {
        let fleet = fleet(holding: holding)
        var new = try #require(fleet.snapshot.assignments[web]?[a])
        new.attempt = 1
        #expect(findings(fleet, [.settle([data: a], shared: [], on: b), .move(from: a, to: b, new)]) == expected)
    }

    /// A machine that is not present may hear of its assignments all the same: it must not begin with a volume that is
    /// elsewhere, or that may be given to another machine meanwhile.
    @Test(arguments: [true, false]) func aLostMachineIsNotGivenVolumes(isElsewhere: Bool) throws {
        var fleet = TestFleet()
        for id in [a, b] { fleet.machine(id) }
        let stays = options { $0.reschedule.trigger = .never }
        fleet.submit(web, stays)
        fleet.apply(fleet.plan())
        if isElsewhere { fleet.submit(unit("db.service"), volumes: [data]) }
        fleet.apply(fleet.plan())
        fleet.lose(a)
        fleet.submit(web, volumes: [data], stays)
        let plan = fleet.plan()
        #expect(plan.decisions.filter { $0.unit == web }.isEmpty)
        #expect(plan.blocked[web] == .machineLostAndStays(a))
        #expect(PlanAudit.check(plan, fleet.snapshot, now: fleet.now, scope: .everything) == [])
        var new = try #require(fleet.snapshot.assignments[web]?[a])
        new.generation += 1
        let finding = "web.service would be on aaaaaaaa, and its volume data not be said to be there"
        #expect(findings(fleet, [.update(a, new)]) == [finding])

        var stopped = fleet
        stopped.target(web, .loaded)
        stopped.apply(stopped.plan())
        #expect(stopped.snapshot.assignments[web]?[a]?.target == .loaded)
        fleet.machine(a)
        fleet.apply(fleet.plan())
        #expect(fleet.snapshot.assignments[web]?.keys.sorted() == [isElsewhere ? b : a])
        #expect(fleet.snapshot.assignments[web]?.values.map(\.volumes) == [[data]])
        #expect(fleet.snapshot.volumeHomes[data]?.machine == (isElsewhere ? b : a))
    }

    /// What a machine says is about the volumes that the unit keeps to there, not about those of its next file.
    @Test func aWordAboutOtherVolumesSaysNothing() throws {
        var fleet = fleet(holding: [data])
        fleet.submit(web, volumes: [volume("other")])
        fleet.apply(fleet.plan())
        fleet.fail(web, on: a, holding: [])
        fleet.submit(web, volumes: [data])
        fleet.drain(a)
        let plan = fleet.plan()
        #expect(plan.decisions.allSatisfy { $0.machine == a })
        let new = try #require(fleet.snapshot.assignments[web]?[a])
        #expect(
            findings(fleet, [.settle([data: a], shared: [], on: b), .move(from: a, to: b, new)])
                == ["web.service would leave its volume data on aaaaaaaa"]
        )
    }

    @Test func leftWithoutAWord() throws {
        let fleet = fleet(holding: [data])
        let new = try #require(fleet.snapshot.assignments[web]?[a])
        #expect(
            findings(fleet, [.move(from: a, to: b, new)]) == [
                "web.service may not be on bbbbbbbb: its volume data",
                "web.service would be on bbbbbbbb, and its volume data not be said to be there",
            ]
        )
    }

    @Test func aUserMayGiveItUp() throws {
        var fleet = fleet(holding: [data])
        fleet.wish(web, on: b, losing: true)
        let new = try #require(fleet.snapshot.assignments[web]?[a])
        #expect(findings(fleet, [.settle([data: a], shared: [], on: b), .move(from: a, to: b, new)]) == [])
        fleet.wish(web, on: b)
        #expect(!findings(fleet, [.settle([data: a], shared: [], on: b), .move(from: a, to: b, new)]).isEmpty)
    }

    @Test func aHomeThatIsLetGoOf() {
        let lose = options { $0.volumePolicy = .lose }
        var fleet = fleet(holding: [data])
        #expect(
            findings(fleet, [.release([data: a])]) == [
                "web.service: lets go of data, and web.service keeps to it",
                "web.service would be on aaaaaaaa, and its volume data not be said to be there",
            ]
        )
        fleet.submit(web, volumes: [data], lose)
        #expect(findings(fleet, [.release([data: a])]) == [])
        #expect(findings(fleet, [.release([data: b])]).contains("web.service: lets go of data, which was not so"))
        #expect(findings(fleet, []) == ["the home of data stays, and web.service does not keep to it"])
        fleet.submit(unit("db.service"), volumes: [data], target: .inactive)
        #expect(findings(fleet, []) == [])
        #expect(findings(fleet, [.release([data: a])]) == ["web.service: lets go of data, and db.service keeps to it"])
        let other = unit("other.service")
        fleet.submit(other, volumes: [data], lose)
        let plan = Plan(
            basedOn: fleet.snapshot.revision,
            epoch: fleet.epoch,
            decisions: [Decision(unit: other, action: .release([data: a]), reason: DecisionReason(.volumesReleased))],
            blocked: [:],
            considered: [other],
            wakeAt: nil
        )
        #expect(
            PlanAudit.check(plan, fleet.snapshot, now: fleet.now).map(\.description).contains(
                "other.service: lets go of data, the home of which is web.service's"
            )
        )
    }

    /// What lets go is not the unit that has changed, but the one whose home it is.
    @Test(arguments: [true, false]) func theLastKeeperLeaves(isDestroyed: Bool) {
        let lose = options { $0.volumePolicy = .lose }
        let db = unit("db.service")
        var fleet = TestFleet()
        fleet.machine(a)
        fleet.submit(web, volumes: [data])
        fleet.apply(fleet.plan())
        fleet.submit(db, volumes: [data])
        fleet.submit(web, volumes: [data], lose)
        fleet.apply(fleet.plan())
        #expect(fleet.snapshot.volumeHomes[data]?.unit == web)
        var index = PlanningIndex(fleet.snapshot)
        _ = fleet.takeChanges()
        if isDestroyed { fleet.destroy(db) } else { fleet.submit(db, volumes: [data], lose) }
        let changes = fleet.takeChanges()
        let dirty = index.update(
            units: changes.units,
            machines: changes.machines,
            volumes: changes.volumes,
            from: fleet.snapshot
        )
        let plan = Planner.plan(fleet.snapshot, index: index, dirty: dirty, now: fleet.now, epoch: fleet.epoch)
        #expect(plan.decisions.contains { $0.unit == web && $0.action == .release([data: a]) })
        #expect(plan.decisions == fleet.plan().decisions)
    }

    @Test func notSettledAsItWas() {
        let fleet = fleet(holding: [data])
        let found = findings(fleet, [.settle([data: nil], shared: [], on: b)])
        #expect(found.contains("web.service: settles data, which was not so"))
    }

    @Test func whoSharesIsWrittenDown() {
        var fleet = fleet(holding: [data])
        fleet.submit(unit("side.service"), volumes: [data])
        let plan = fleet.plan()
        #expect(plan.decisions.contains { $0.action == .share([data], on: a) })
        let silent = plan.decisions.filter { if case .share = $0.action { false } else { true } }
        let mute = Plan(
            basedOn: plan.basedOn,
            epoch: plan.epoch,
            decisions: silent,
            blocked: plan.blocked,
            considered: plan.considered,
            wakeAt: plan.wakeAt
        )
        let found = PlanAudit.check(mute, fleet.snapshot, now: fleet.now).map(\.description)
        #expect(found == ["side.service would share data, and nothing say so"])
        #expect(findings(fleet, [.share([data], on: a)]).contains { $0.contains("which is not another's there") })
    }
}
