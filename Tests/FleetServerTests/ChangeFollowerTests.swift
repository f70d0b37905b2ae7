import FleetAPI
import FleetModel
import Testing
import UnitFile

@Suite struct ChangeFollowerTests {
    private let web: UnitName

    init() throws { web = try UnitName("web.service") }

    /// One unit at generation 5, with what each machine has of it.
    private func snapshot(
        _ target: TargetState = .launched,
        generation: Generation = 5,
        isGlobal: Bool = false,
        on machines: [MachineID: UnitStatus?] = [:]
    ) -> Snapshot {
        var snapshot = Snapshot()
        let user = Provenance(at: .zero, by: "somebody (uid 7)")
        var options = FleetOptions()
        options.isGlobal = isGlobal
        let file = ContentHash(of: "x")
        snapshot.units[web] = Unit(
            name: web,
            intent: UnitIntent(file: file, generation: 1, submitted: user),
            target: UnitTarget(state: target, generation: generation, set: user),
            options: options
        )
        snapshot.leadership = Leadership(machine: .one, epoch: .zero, since: .zero)
        for id in [MachineID.one, .two] {
            snapshot.machines[id] = Machine(
                id: id,
                presence: MachinePresence(
                    hostname: "host",
                    primaryIP: "",
                    metadata: [:],
                    version: "",
                    systemdVersion: "",
                    since: .zero
                )
            )
        }
        for (machine, status) in machines {
            snapshot.assignments[web, default: [:]][machine] = Assignment(
                file: file,
                target: target,
                generation: generation,
                restart: 0,
                attempt: 0,
                atMostOnce: false,
                epoch: .zero,
                reason: "",
                at: .zero
            )
            if let status { snapshot.statuses[web, default: [:]][machine] = status }
        }
        return snapshot
    }

    private func status(
        _ active: String,
        generation: Generation = 5,
        attempt: Int = 0,
        settled: Bool = true,
        failure: String? = nil
    ) -> UnitStatus {
        UnitStatus(
            file: ContentHash(of: "x"),
            run: RunID(generation: generation, attempt: attempt),
            load: "loaded",
            active: active,
            sub: "",
            settled: settled,
            failure: failure.map { UnitFailure(cause: .other, message: $0, at: .zero) },
            at: .zero
        )
    }

    private func follow(
        _ goal: ChangeFollower.Goal,
        _ snapshot: Snapshot,
        _ explainer: FakeExplainer = FakeExplainer()
    ) -> [ChangeProgress] {
        var follower = ChangeFollower([web: .init(goal: goal, generation: 5)], explainer: explainer)
        return follower.advance(to: snapshot)
    }

    // MARK: start

    @Test(arguments: [
        ("active", true, true), ("reloading", true, true), ("inactive", true, true), ("active", false, false),
        ("activating", true, false), ("activating", false, false), ("deactivating", true, false),
        ("failed", true, false),
    ])
    func started(_ active: String, _ settled: Bool, _ isThere: Bool) {
        let news = follow(.started, snapshot(on: [.one: status(active, settled: settled)]))
        #expect(news.map(\.kind) == (isThere ? [.arrived] : []))
        if isThere { #expect(news.first?.machine?.id == .one) }
    }

    /// Statuses of what was before the change say nothing about it.
    @Test func olderRunsDoNotCount() {
        #expect(follow(.started, snapshot(on: [.one: status("active", generation: 4)])).isEmpty)
        #expect(follow(.started, snapshot(on: [.one: status("failed", generation: 4, failure: "old")])).isEmpty)
    }

    @Test func theFirstFailureEndsIt() {
        let news = follow(.started, snapshot(on: [.one: status("failed", failure: "exited")]))
        #expect(news.map(\.kind) == [.failed])
        #expect(news.first?.failure?.message == "exited")
    }

    /// The engine had already answered the failure when the follower looked.
    @Test func aFailureThatWasAnsweredAlready() {
        var answered = snapshot(on: [.one: status("activating", attempt: 1, settled: false)])
        let failure = UnitFailure(cause: .signal, message: "killed", at: .zero)
        answered.failures[web] = [
            .fleet: FailureRecord(
                recent: [FailedRun(machine: .one, run: RunID(generation: 5, attempt: 0), failure: failure)],
                count: 1,
                verdict: .retry(at: .zero)
            )
        ]
        #expect(follow(.started, answered).map(\.kind) == [.failed])
    }

    @Test func aPullIsToldAndSoIsItsFailure() {
        var follower = ChangeFollower(
            [web: .init(goal: .started, generation: 5)],
            explainer: FakeExplainer(reasons: [:])
        )
        func pulling(_ note: String, hasFailed: Bool = false) -> Snapshot {
            var old = status("active", generation: 4)
            old.pull = PullStatus(image: "quay.io/a:2", note: note, hasFailed: hasFailed, at: .zero)
            return snapshot(on: [.one: old])
        }
        #expect(follower.advance(to: pulling("")).map(\.message) == ["its image quay.io/a:2 is being pulled"])
        #expect(follower.advance(to: pulling("Copying blob")).isEmpty)
        let failed = follower.advance(to: pulling("no such image", hasFailed: true))
        #expect(failed.map(\.kind) == [.waiting])
        #expect(failed.map(\.message) == ["no such image; it is tried again"])
        #expect(follower.advance(to: snapshot(on: [.one: status("active")])).map(\.kind) == [.arrived])
    }

    @Test func whatBlocksIsToldOnce() {
        var follower = ChangeFollower(
            [web: .init(goal: .started, generation: 5)],
            explainer: FakeExplainer(reasons: [web: "no machine has disk=ssd"])
        )
        let news = follower.advance(to: snapshot())
        #expect(news.map(\.kind) == [.waiting])
        #expect(news.first?.message == "no machine has disk=ssd")
        #expect(follower.advance(to: snapshot()).isEmpty)
        #expect(follower.advance(to: snapshot(on: [.one: status("active")])).map(\.kind) == [.arrived])
        #expect(follower.isDone)
        #expect(follower.advance(to: snapshot()).isEmpty)
    }

    @Test func nobodyLeads() {
        var leaderless = snapshot()
        leaderless.leadership = nil
        #expect(follow(.started, leaderless).first?.message?.contains("no machine leads") == true)
    }

    @Test func aLostMachineIsSaid() {
        var lost = snapshot(on: [.one: nil])
        lost.machines[.one]?.presence = nil
        #expect(follow(.started, lost).map(\.message) == ["machine 11111111 is lost"])
    }

    // MARK: global

    @Test func aGlobalUnitArrivesOnEveryMachine() {
        let up = status("active")
        #expect(follow(.started, snapshot(isGlobal: true, on: [.one: up])).isEmpty, "the second is not assigned yet")
        #expect(follow(.started, snapshot(isGlobal: true, on: [.one: up, .two: nil])).isEmpty)
        let news = follow(.started, snapshot(isGlobal: true, on: [.one: up, .two: up]))
        #expect(news.map(\.kind) == [.arrived])
        #expect(news.first?.message == "on 2 machines")
        let excluded = FakeExplainer(excluded: [.two: "MachineMetadata= asks for disk=ssd"])
        #expect(follow(.started, snapshot(isGlobal: true, on: [.one: up]), excluded).map(\.kind) == [.arrived])
        let failed = snapshot(isGlobal: true, on: [.one: up, .two: status("failed", failure: "x")])
        #expect(follow(.started, failed).first?.machine?.id == .two)
    }

    // MARK: load and stop

    @Test(arguments: [
        (ChangeFollower.Goal.loaded, "inactive", true), (.loaded, "active", false), (.loaded, "deactivating", false),
        (.stopped, "inactive", true), (.stopped, "failed", true), (.stopped, "active", false),
    ])
    func notRunning(_ goal: ChangeFollower.Goal, _ active: String, _ isThere: Bool) {
        let news = follow(goal, snapshot(.loaded, on: [.one: status(active)]))
        #expect(news.map(\.kind) == (isThere ? [.arrived] : []))
        #expect(follow(goal, snapshot(.loaded, on: [.one: status(active, settled: false)])).isEmpty)
    }

    @Test func aStoppedUnitNeedNotBeAnywhere() {
        #expect(follow(.stopped, snapshot(.loaded)).map(\.kind) == [.arrived])
        let blocked = FakeExplainer(reasons: [web: "no machine"])
        #expect(follow(.loaded, snapshot(.loaded), blocked).map(\.kind) == [.waiting])
    }

    @Test func loadingABadFileFails() {
        let news = follow(.loaded, snapshot(.loaded, on: [.one: status("inactive", failure: "bad unit")]))
        #expect(news.map(\.kind) == [.failed])
    }

    // MARK: unload and destroy

    @Test(arguments: [ChangeFollower.Goal.unloaded, .destroyed]) func leaving(_ goal: ChangeFollower.Goal) {
        func left(_ snapshot: Snapshot) -> Snapshot {
            var snapshot = snapshot
            if goal == .destroyed { snapshot.units[web] = nil }
            return snapshot
        }
        #expect(follow(goal, left(snapshot(.inactive, on: [.one: status("active")]))).isEmpty)
        var letGo = left(snapshot(.inactive))
        letGo.statuses[web] = [.one: status("deactivating")]
        #expect(follow(goal, letGo).isEmpty)
        #expect(follow(goal, left(snapshot(.inactive))).map(\.kind) == [.arrived])
        var lost = left(snapshot(.inactive, on: [.one: nil]))
        lost.machines[.one]?.presence = nil
        #expect(follow(goal, lost).first?.message?.contains("lost") == true)
    }

    // MARK: somebody else

    @Test(arguments: [
        (ChangeFollower.Goal.started, TargetState.loaded, true), (.started, .inactive, true),
        (.started, .launched, false), (.stopped, .launched, true), (.stopped, .inactive, false),
        (.loaded, .inactive, true), (.unloaded, .launched, true),
    ])
    func overtaken(_ goal: ChangeFollower.Goal, _ target: TargetState, _ isOver: Bool) {
        let news = follow(goal, snapshot(target, generation: 6, on: [.one: nil]))
        #expect(news.map(\.kind) == (isOver ? [.failed] : []))
        if isOver { #expect(news.first?.message?.contains("somebody (uid 7)") == true) }
    }

    @Test func destroyedMeanwhile() {
        var gone = snapshot()
        gone.units[web] = nil
        #expect(follow(.started, gone).first?.message == "overtaken: web.service was destroyed meanwhile")
    }
}
