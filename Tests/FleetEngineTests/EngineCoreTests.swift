import FleetEngine
import FleetModel
import FleetPlanner
import FleetRegistry
import Testing
import UnitFile

@Suite struct EngineCoreTests {
    private let a = machine("a")
    private let b = machine("b")
    private let web = unit("web.service")
    private let db = unit("db.service")

    /// A leader with these machines present and nothing to do.
    private func leader(_ machines: MachineID...) -> EngineWorld {
        var world = EngineWorld(machine: a)
        for id in machines { world.registry.machine(id, at: world.now) }
        world.start()
        world.settle()
        return world
    }

    // MARK: Planning and writing

    @Test func placesWhatIsSubmitted() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        #expect(world.machines(of: web) == [a])
        #expect(world.registry.snapshot.assignments[web]?[a]?.epoch == world.core.epoch)
        #expect(world.registry.events(of: web).map(\.kind) == [.placed])
        #expect(
            world.registry.events(of: web).map(\.message)
                == ["placed on aaaaaaaa: target state is launched, least loaded of the eligible machines (0 units)"]
        )
    }

    @Test func doesNothingWithoutCause() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        let before = world.directives.count
        world.registry.machine(a, at: world.now)
        world.settle()
        world.step(.wake)
        world.step(.changed(Changes(units: [web], machines: [a])))
        #expect(world.directives.count == before, "\(world.directives.dropFirst(before))")
        #expect(world.wakeAt == nil, "nothing to wait for")
    }

    @Test func threeHundredUnitsGoInFewTransactionsWithinTheLimits() {
        var world = leader(a, b)
        for number in 0..<300 { world.registry.submit(unit("u\(number).service"), at: world.now) }
        let before = world.registry.commits.count
        world.settle()
        let used = world.registry.commits.dropFirst(before)
        #expect(used.count <= 8)
        #expect(used.allSatisfy { $0.compares.count <= Limits.operationsPerTransaction })
        #expect(world.registry.snapshot.unitsByMachine[a]?.count == 150)
        #expect(world.registry.snapshot.unitsByMachine[b]?.count == 150)
    }

    @Test func destroyedUnitsLeaveNothingBehind() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        for key in [RegistryKey.unit(web), .target(web)] { world.registry.delete(key) }
        for id in world.registry.snapshot.eventIDs[web] ?? [] { world.registry.delete(.event(web, id)) }
        world.settle()
        #expect(world.machines(of: web).isEmpty)
        #expect(world.registry.entries.keys.filter { $0.description.contains("web.service") }.isEmpty)
    }

    /// The registry ends all leases at once: whoever leads and finds its own among them moves nothing until the others
    /// had time to come back.
    @Test func aLeaderWhoseOwnLeaseHasEndedWaitsForTheOthers() {
        var world = leader(a, b)
        world.registry.submit(web, at: world.now)
        world.registry.submit(unit("db.service"), at: world.now)
        world.settle()
        let before = [world.machines(of: web), world.machines(of: unit("db.service"))]
        for machine in [a, b] { world.registry.delete(.presence(machine)) }
        let asked = world.commitsAsked
        world.settle()
        #expect(world.commitsAsked == asked)
        let end = world.now.advanced(by: .seconds(6))
        #expect(world.wakeAt == end)
        world.now = world.now.advanced(by: .seconds(3))
        world.registry.machine(a, at: world.now)
        world.settle()
        #expect(world.commitsAsked == asked, "its own return is not that of the others")
        world.registry.machine(b, at: world.now)
        world.settle()
        world.wake()
        #expect([world.machines(of: web), world.machines(of: unit("db.service"))] == before)
        #expect(world.now == end)
    }

    @Test func andThenMovesWhatHasNotComeBack() {
        var world = leader(a, b)
        let names = (0..<4).map { unit("u\($0).service") }
        for name in names { world.registry.submit(name, at: world.now) }
        world.settle()
        for machine in [a, b] { world.registry.delete(.presence(machine)) }
        world.settle()
        world.registry.machine(a, at: world.now)
        world.settle()
        #expect(names.contains { world.machines(of: $0) == [b] })
        world.wake()
        #expect(names.allSatisfy { world.machines(of: $0) == [a] })
        // Set back by an hour, the clock holds up nothing.
        world.registry.machine(b, at: world.now)
        for machine in [a, b] { world.registry.delete(.presence(machine)) }
        world.settle()
        world.registry.machine(b, at: world.now)
        world.now = world.now.advanced(by: .seconds(-3600))
        world.settle()
        #expect(names.allSatisfy { world.machines(of: $0) == [b] })
    }

    // MARK: Lost machines

    /// A leader with these machines present and a unit on each.
    private func busyLeader(_ machines: MachineID...) -> EngineWorld {
        var world = EngineWorld(machine: a)
        for id in machines { world.registry.machine(id, at: world.now) }
        world.start()
        world.settle()
        for number in machines.indices { world.registry.submit(unit("u\(number).service"), at: world.now) }
        world.settle()
        world.now = world.now.advanced(by: .seconds(10))
        return world
    }

    /// The registry hung for some seconds: the leases that end now say nothing of their machines.
    @Test func leasesThatEndAfterASilenceMoveNothing() {
        var world = busyLeader(a, b)
        let before = world.registry.snapshot.assignments
        world.step(.registrySilent(for: .seconds(6)))
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.registry.snapshot.assignments == before)
        #expect(world.wakeAt == world.now.advanced(by: .seconds(6)))
        world.now = world.now.advanced(by: .seconds(4))
        world.registry.machine(b, at: world.now)
        world.settle()
        world.wake()
        #expect(world.registry.snapshot.assignments == before)
        // The next loss is one.
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.registry.snapshot.unitsByMachine == [a: Set(before.keys)])
    }

    /// One that has just begun to read may have missed a silence.
    @Test func anEngineThatHasJustStartedWaitsForMachinesItNeverSaw() {
        var world = EngineWorld(machine: a)
        world.registry.machine(a, at: world.now)
        world.registry.submit(web, at: world.now)
        world.registry.put(.assignment(b, web), assignment(web, in: world))
        world.start()
        world.settle()
        #expect(world.machines(of: web) == [b])
        world.wake()
        #expect(world.machines(of: web) == [a])
    }

    @Test func theOthersAreAskedForBeforeALossIsOneMachines() {
        let (c, d, e) = (machine("c"), machine("d"), machine("e"))
        var world = busyLeader(a, b, c, d, e)
        let before = world.registry.snapshot.assignments
        world.silent = [d, e]
        world.registry.delete(.presence(c))
        world.settle()
        #expect(world.sounded == [[b, d, e]])
        for lost in [d, e] {
            world.now = world.now.advanced(by: .seconds(1))
            world.registry.delete(.presence(lost))
            world.settle()
        }
        #expect(world.sounded.count == 1)
        #expect(world.registry.snapshot.assignments == before)
        #expect(world.notes.contains(.braked([c])))
    }

    @Test func aLossOfOneMoves() {
        var world = busyLeader(a, b, machine("c"))
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.sounded == [[machine("c")]])
        #expect(world.registry.snapshot.unitsByMachine[b] == nil)
    }

    /// The power of the whole site is back, and this machine was the first to boot.
    @Test func whoeverBootsFirstWaitsForTheOthers() {
        let c = machine("c")
        var world = EngineWorld(machine: a, isSettling: true)
        let units = zip([a, b, c], ["a", "b", "c"]).map { ($0, unit("\($1).service")) }
        for (place, name) in units {
            world.registry.submit(name, at: world.now)
            _ = world.registry.deliver()
            world.registry.put(.assignment(place, name), assignment(name, in: world))
        }
        world.registry.machine(a, at: world.now)
        // Its lease is one of before.
        world.registry.machine(c, at: world.now)
        _ = world.registry.deliver()
        world.start()
        world.settle()
        world.now = world.now.advanced(by: .seconds(7))
        world.registry.delete(.presence(c))
        world.settle()
        let before = world.registry.snapshot.assignments
        #expect(before.values.map(\.count) == [1, 1, 1])
        world.now = world.now.advanced(by: .seconds(20))
        world.registry.machine(b, at: world.now)
        world.settle()
        world.now = world.now.advanced(by: .seconds(61))
        world.registry.machine(b, at: world.now)
        world.settle()
        #expect(world.registry.snapshot.assignments == before)
        world.step(.settled)
        world.settle()
        #expect(world.registry.snapshot.unitsByMachine[c] == nil)
        #expect(world.registry.snapshot.unitsByMachine[b]?.contains(unit("b.service")) == true)
    }

    /// One that has registered since the boot, and is lost a moment later, has not gone with the site's power.
    @Test func whoeverHasArrivedIsLostForItself() {
        var world = EngineWorld(machine: a, isSettling: true)
        world.registry.machine(a, at: world.now)
        world.start()
        world.settle()
        world.now = world.now.advanced(by: .seconds(1))
        world.registry.machine(b, at: world.now)
        world.settle()
        let name = unit("b.service")
        world.registry.submit(name, at: world.now)
        _ = world.registry.deliver()
        world.registry.put(.assignment(b, name), assignment(name, in: world))
        world.settle()
        world.now = world.now.advanced(by: .seconds(7))
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.registry.snapshot.unitsByMachine[b] == nil)
        #expect(world.registry.snapshot.unitsByMachine[a]?.contains(name) == true)
    }

    /// a has just booted, and b is there with this unit.
    private func bootedWorld(with name: UnitName, booted: Timestamp? = nil) -> EngineWorld {
        var world = EngineWorld(machine: a, isSettling: true, booted: booted)
        for id in [a, b] { world.registry.machine(id, at: world.now) }
        world.registry.submit(name, at: world.now)
        _ = world.registry.deliver()
        world.registry.put(.assignment(b, name), assignment(name, in: world))
        _ = world.registry.deliver()
        world.start()
        world.settle()
        return world
    }

    /// Who was there at first, and had registered before this machine booted, may be on its way.
    @Test(arguments: [true, false]) func whoeverIsOfBeforeTheBootIsWaitedFor(isOfBefore: Bool) {
        let name = unit("b.service")
        let start = EngineWorld(machine: a).now
        let booted = start.advanced(by: .seconds(isOfBefore ? 1 : -1))
        var world = bootedWorld(with: name, booted: booted)
        // The clock is set, as often after a boot: nothing depends on it.
        world.now = world.now.advanced(by: .seconds(7200))
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.registry.snapshot.unitsByMachine[b]?.contains(name) ?? false == isOfBefore)
    }

    @Test func leasesOfBeforeEndSoon() {
        let name = unit("b.service")
        var world = bootedWorld(with: name)
        #expect(world.directives.contains(.timeOldLeases))
        world.now = world.now.advanced(by: .seconds(15))
        world.step(.oldLeasesOver)
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.registry.snapshot.unitsByMachine[b] == nil)
    }

    /// With nothing else going on the brake ends at its time.
    @Test func theBrakeEndsByItself() {
        var world = busyLeader(a, b, machine("c"))
        world.silent = [machine("c")]
        world.registry.delete(.presence(b))
        world.settle()
        #expect(world.registry.snapshot.brake?.holds(b) == true)
        // The feed has brought the event of the blocked unit.
        world.step(.changed(Changes()))
        #expect(world.wakeAt == world.now.advanced(by: .seconds(60)))
        world.wake()
        #expect(world.registry.snapshot.brake?.since == nil)
        #expect(world.registry.snapshot.unitsByMachine[b] == nil)
    }

    private func assignment(_ name: UnitName, in world: EngineWorld) -> Assignment {
        Assignment(
            file: ContentHash(of: "[Service]\nExecStart=/bin/true\n[X-Fleet]\n\n"),
            target: .launched,
            generation: 1,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: Revision(1),
            reason: "",
            at: world.now
        )
    }

    @Test func oneOfTheTwoKeysOfAUnitIsNoReasonToStopIt() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        world.registry.delete(.target(web))
        world.settle()
        #expect(world.machines(of: web) == [a])
    }

    @Test func keepsTheNewestEvents() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        for round in 0..<40 {
            world.now = world.now.advanced(by: .seconds(1))
            world.registry.target(web, round.isMultiple(of: 2) ? .inactive : .launched, at: world.now)
            world.settle()
        }
        #expect(world.registry.snapshot.eventIDs[web]?.count == Limits.eventsPerUnit)
        #expect(world.registry.events(of: web).last?.kind == .placed)
    }

    @Test func aClockThatWentBackDoesNotBreakATransaction() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        for round in 0..<40 {
            world.now = world.now.advanced(by: .seconds(-10))
            world.registry.target(web, round.isMultiple(of: 2) ? .inactive : .launched, at: world.now)
            world.settle()
        }
        #expect(world.machines(of: web) == [a])
    }

    @Test func saysOnceThatAUnitIsBlocked() {
        var world = leader(a)
        world.registry.submit(web, "MachineMetadata=disk=ssd", at: world.now)
        world.settle()
        world.registry.machine(b, at: world.now)
        world.settle()
        #expect(world.registry.events(of: web).map(\.kind) == [.blocked])
        #expect(world.registry.events(of: web).first?.message.contains("disk=ssd") == true)
        world.registry.put(.labels(b), MachineLabels(labels: ["disk": "ssd"]))
        world.settle()
        #expect(world.registry.events(of: web).map(\.kind) == [.blocked, .placed])
    }

    // MARK: Leadership

    @Test func followersPlanNothing() {
        var world = EngineWorld(machine: a)
        world.registry.machine(a, at: world.now)
        world.registry.put(.leader, LeaderRecord(machine: b, since: world.now))
        world.registry.submit(web, at: world.now)
        _ = world.registry.deliver()
        world.start()
        world.settle()
        #expect(world.directives.isEmpty)
        world.registry.delete(.leader)
        world.settle()
        #expect(world.core.epoch != nil)
        #expect(world.machines(of: web) == [a], "its state was warm")
    }

    @Test func aLeaderThatWasSupersededChangesNothing() {
        var old = leader(a, b)
        old.registry.submit(web, at: old.now)
        old.holdsTransactions = true
        old.settle()
        #expect(old.held.count == 1)

        var new = EngineWorld(machine: b)
        new.registry = old.registry
        new.registry.delete(.leader)
        _ = new.registry.deliver()
        new.start()
        new.registry.submit(web, "MachineID=\(b)", at: new.now)
        new.settle()
        #expect(new.machines(of: web) == [b])

        old.registry = new.registry
        old.releaseHeld()
        #expect(old.machines(of: web) == [b])
        #expect(old.registry.revision == new.registry.revision, "nothing was written")
        old.step(.changed(Changes(leadership: true)))
        #expect(old.core.epoch == nil)
        #expect(old.notes.contains { if case .leadsNoMore = $0 { true } else { false } })
    }

    @Test func aNewLeaderWaitsUntilItsSnapshotHoldsTheElection() throws {
        var world = EngineWorld(machine: a)
        world.registry.machine(a, at: world.now)
        world.registry.submit(web, at: world.now)
        _ = world.registry.deliver()
        world.start()
        #expect(world.core.epoch != nil)
        #expect(world.commitsAsked == 0, "the snapshot is older than the epoch")
        world.settle()
        #expect(world.commitsAsked == 1)
    }

    @Test func losesLeadershipWhenTheLeaseEnds() {
        var world = leader(a)
        world.step(.leadershipLost(world.core.epoch ?? .zero))
        #expect(world.core.epoch == nil)
        world.registry.submit(web, at: world.now)
        world.settle()
        #expect(world.machines(of: web).isEmpty, "its old key is still there")
        world.registry.delete(.leader)
        world.settle()
        #expect(world.machines(of: web) == [a])
    }

    /// The lease of a leadership that is over was still being renewed, and its end is heard of late.
    @Test func theEndOfAnEarlierLeadershipIsNoNews() throws {
        var world = leader(a)
        let first = try #require(world.core.epoch)
        world.registry.delete(.leader)
        world.settle()
        let second = try #require(world.core.epoch)
        #expect(second > first)
        world.step(.leadershipLost(first))
        #expect(world.core.epoch == second)
        world.step(.leadershipLost(second))
        #expect(world.core.epoch == nil)
    }

    @Test func stopGivesTheLeadershipUp() {
        var world = leader(a)
        world.step(.stop)
        #expect(world.directives.contains(.resign))
        world.settle()
        #expect(world.registry.snapshot.leadership == nil)
        #expect(world.core.epoch == nil, "and it does not run again")
    }

    @Test func aCampaignThatWasWonTooLateIsGivenBack() {
        var core = EngineCore(keyspace: .standard, machine: a)
        let now = Timestamp(milliseconds: 0)
        #expect(core.step(.changed(Changes(all: true)), snapshot: Snapshot(), now: now) == [.campaign])
        #expect(core.step(.stop, snapshot: Snapshot(), now: now) == [])
        #expect(core.step(.campaigned(.won(Epoch(7))), snapshot: Snapshot(), now: now) == [.resign])
    }

    @Test func aFailedCampaignIsRepeatedLaterAndALostOneOnNews() {
        var core = EngineCore(keyspace: .standard, machine: a)
        var snapshot = Snapshot()
        let now = Timestamp(milliseconds: 0)
        let later = now.advanced(by: .seconds(1))
        #expect(core.step(.changed(Changes(all: true)), snapshot: snapshot, now: now) == [.campaign])
        #expect(core.step(.campaigned(.failed), snapshot: snapshot, now: now) == [.wake(at: later)])
        #expect(core.step(.changed(Changes()), snapshot: snapshot, now: now) == [])
        #expect(core.step(.wake, snapshot: snapshot, now: later) == [.campaign])
        #expect(core.step(.campaigned(.held), snapshot: snapshot, now: later) == [])
        #expect(core.step(.changed(Changes()), snapshot: snapshot, now: later) == [])
        snapshot.revision = Revision(5)
        #expect(core.step(.changed(Changes()), snapshot: snapshot, now: later) == [.campaign])
        #expect(core.step(.campaigned(.held), snapshot: snapshot, now: later) == [])
        snapshot.revision = Revision(3)
        let restored = core.step(.changed(Changes(all: true)), snapshot: snapshot, now: later)
        #expect(restored == [.campaign], "the registry was restored from a backup")
    }

    // MARK: Failures

    /// The clock is set back during a back-off, or the leader has booted with a wrong one: the wait is no longer than
    /// any of this unit's may be.
    @Test(arguments: [-3600, -400]) func aClockThatWentBackHoldsNoRetry(step: Int) {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        for _ in 0..<2 {
            world.registry.fail(web, on: a, at: world.now)
            world.settle()
        }
        #expect(world.attempt(of: web) == 1)
        world.now = world.now.advanced(by: .seconds(step))
        world.step(.wake)
        world.settle()
        #expect(world.attempt(of: web) == 2)
    }

    @Test func aClockThatWentBackHoldsNoDrain() {
        var world = leader(a, b)
        world.registry.submit(web, at: world.now)
        world.settle()
        let place = world.machines(of: web)[0]
        let other = place == a ? b : a
        let by = Provenance(at: world.now, by: "test")
        world.registry.put(.orders(other), MachineOrders(cordoned: .init(set: by)))
        let end = world.now.advanced(by: .seconds(60))
        world.registry.put(.orders(place), MachineOrders(draining: .init(set: by, deadline: end)))
        world.settle()
        #expect(world.machines(of: web) == [place], "no place elsewhere")
        #expect(world.wakeAt == end)
        world.now = world.now.advanced(by: .seconds(-3600))
        world.step(.wake)
        world.settle()
        #expect(world.machines(of: web) == [])
    }

    @Test func retriesAtOnceThenWaitsThenGivesUp() {
        var world = leader(a)
        world.registry.submit(web, "RescheduleLimit=3", at: world.now)
        world.settle()
        world.registry.fail(web, on: a, at: world.now)
        world.settle()
        #expect(world.attempt(of: web) == 1, "at once")
        #expect(world.wakeAt == nil)

        world.registry.fail(web, on: a, at: world.now)
        world.settle()
        #expect(world.attempt(of: web) == 1)
        #expect(world.wakeAt == world.now.advanced(by: .seconds(5)))
        world.wake()
        #expect(world.attempt(of: web) == 2)

        world.registry.fail(web, on: a, at: world.now)
        world.settle()
        #expect(world.attempt(of: web) == 2)
        #expect(world.wakeAt == nil)
        #expect(world.registry.events(of: web).map(\.kind) == [.placed, .retry, .retry, .retry, .gaveUp])
        #expect(world.registry.events(of: web).last?.message.contains("fleetctl reset-failed web.service") == true)

        world.registry.target(web, .launched, at: world.now)
        world.settle()
        #expect(world.attempt(of: web) == 0, "a user asked again")
    }

    @Test func countersAndWaitsSurviveTheLeader() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        for _ in 0..<2 {
            world.registry.fail(web, on: a, at: world.now)
            world.settle()
        }
        var next = EngineWorld(machine: b)
        next.registry = world.registry
        next.now = world.now.advanced(by: .seconds(2))
        next.registry.delete(.leader)
        _ = next.registry.deliver()
        next.start()
        next.settle()
        #expect(next.wakeAt == world.now.advanced(by: .seconds(5)))
        #expect(next.registry.snapshot.failures[web]?[.fleet]?.count == 2, "the same failure is not counted again")
        next.wake()
        #expect(next.attempt(of: web) == 2)
    }

    @Test func anEarlyWakeIsAskedForAgain() {
        var world = leader(a)
        world.registry.submit(web, at: world.now)
        world.settle()
        for _ in 0..<2 {
            world.registry.fail(web, on: a, at: world.now)
            world.settle()
        }
        let due = world.now.advanced(by: .seconds(5))
        let answer = world.core.step(.wake, snapshot: world.registry.snapshot, now: world.now)
        #expect(answer == [.wake(at: due)])
    }

    /// What is due is planned when the snapshot holds what was committed; a wake for it would come at once, for ever.
    @Test func noWakeIsAskedForWhileTheSnapshotIsBehind() {
        var world = leader(a)
        for unit in [web, db] { world.registry.submit(unit, at: world.now) }
        world.settle()
        for _ in 0..<2 {
            world.registry.fail(web, on: a, at: world.now)
            world.settle()
        }
        world.registry.target(db, .loaded, at: world.now)
        world.step(.changed(world.registry.deliver()))
        #expect(world.registry.revision > world.registry.snapshot.revision, "the feed has not seen what was committed")
        let late = world.now.advanced(by: .seconds(60))
        let answer = world.core.step(.wake, snapshot: world.registry.snapshot, now: late)
        #expect(answer == [])
    }
}
