import FleetModel
import FleetRegistry
import Testing
import UnitFile

@testable import FleetAgent

/// One machine's locks: the order put, arm, allow, hold, and what is given up when it cannot be kept.
@Suite struct LockCoreTests {
    static let other = machineID("ffffffffffffffffffffffffffffffff")
    static let lease = LeaseID(7)
    /// What the fleetd before had.
    static let former = OwnLeases(text: "1\n")
    let db: UnitName = "db.service"

    /// A core with a lease that was asked for at `sent`.
    static func core(sent: Duration = .zero, fenced: Bool = true) -> LockCore {
        var core = LockCore(machine: Bench.machine, timing: fenced ? FenceTiming(lease: .seconds(10)) : nil)
        _ = core.step(.lease(lease, sent: sent), now: sent)
        return core
    }

    /// A core that holds the lock of `db`, with the fence armed for the lease of second 0.
    func holding() -> LockCore {
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .committed(Revision(5))), now: .zero)
        _ = core.step(.armed(.done, deadline: .seconds(6)), now: .zero)
        _ = core.step(.allowed(db, .done), now: .zero)
        return core
    }

    @Test func theInequalityHolds() {
        #expect(!FenceTiming(lease: .milliseconds(4999)).isLongEnough)
        for seconds in [5, 6, 10, 60, 3600] {
            let timing = FenceTiming(lease: .seconds(seconds))
            #expect(timing.isLongEnough)
            #expect(timing.margin >= .milliseconds(500))
            #expect(timing.fence + timing.stop + timing.margin <= timing.lockDelay)
            #expect(timing.margin >= timing.lease / 20, "clocks and systemd need something")
            #expect(timing.fence > timing.lease / 3, "a renewal may be late")
        }
    }

    /// All phases of a stop together take no longer than `FenceTiming.stop`.
    @Test(arguments: [
        ("", 6000), ("ExecStop=/bin/true\n", 3000), ("ExecStopPost=/bin/true\n", 2000),
        ("ExecStop=/bin/true\nExecStopPost=/bin/true\n", 1500),
        ("TimeoutStopFailureMode=abort\n", 3000), ("TimeoutStopFailureMode=kill\n", 6000),
        ("ExecStop=/bin/true\nExecStopPost=/bin/true\nTimeoutStopFailureMode=abort\n", 1000),
        ("TimeoutStopSec=2\n", 2000), ("TimeoutStopSec=infinity\n", 6000),
    ])
    func everyPhaseOfAStopHasItsShare(_ lines: String, _ milliseconds: Int) {
        let text = "[Service]\nExecStart=/bin/sleep 1d\n" + lines
        let dropIn = AtMostOnceDropIn.text(for: db, file: text, allowed: "/run/allowed", stop: .seconds(6))
        #expect(dropIn.contains("\nTimeoutStopSec=\(milliseconds)ms\n"))
        #expect(dropIn.contains("\nTimeoutAbortSec=\(milliseconds)ms\n"))
    }

    @Test func aUnitMayRunOnlyAfterLockFenceAndLeave() {
        var core = Self.core()
        #expect(core.step(.acquire(db), now: .zero) == [.put(db, lease: Self.lease, ifLock: nil, ifHolder: nil)])
        #expect(core.step(.finished(db, .committed(Revision(5))), now: .zero) == [.arm(deadline: .seconds(6))])
        #expect(core.step(.armed(.done, deadline: .seconds(6)), now: .zero) == [.allow(db)])
        #expect(core.step(.allowed(db, .done), now: .zero) == [.hold(db)])
    }

    @Test func withoutATimeToLiveThereIsNoFence() {
        var core = Self.core(fenced: false)
        _ = core.step(.acquire(db), now: .zero)
        #expect(core.step(.finished(db, .committed(Revision(5))), now: .zero) == [.allow(db)])
        #expect(core.step(.allowed(db, .done), now: .zero) == [.hold(db)])
    }

    @Test func everyRenewalArmsTheFenceFromWhenItWasSent() {
        var core = holding()
        #expect(core.step(.lease(Self.lease, sent: .seconds(3)), now: .seconds(4)) == [.arm(deadline: .seconds(9))])
    }

    @Test func aRenewalThatWasLongOnItsWayArmsNothing() {
        var core = holding()
        #expect(core.step(.lease(Self.lease, sent: .seconds(1)), now: .seconds(8)) == [])
    }

    @Test func aNewLeaseArmsTheFenceOnlyAfterEveryLockIsOnIt() {
        var core = holding()
        #expect(
            core.step(.lease(LeaseID(8), sent: .seconds(3)), now: .seconds(3)) == [
                .put(db, lease: LeaseID(8), ifLock: Revision(5), ifHolder: Revision(5))
            ]
        )
        #expect(core.step(.lease(LeaseID(8), sent: .seconds(4)), now: .seconds(4)) == [])
        #expect(core.step(.finished(db, .committed(Revision(9))), now: .seconds(5)) == [.arm(deadline: .seconds(10))])
    }

    @Test func anotherMachinesLockIsWaitedFor() {
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        #expect(core.step(.finished(db, .conflict), now: .zero) == [.look(db)])
        let lock = StoredLock(machine: Self.other, lease: LeaseID(1), modified: Revision(3))
        #expect(
            core.step(.found(db, lock: lock, holder: nil), now: .zero) == [.lose(db, to: Self.other), .watch(true)]
        )
        #expect(core.step(.acquire(db), now: .zero) == [], "who has it is known, and asking again changes nothing")
        #expect(core.step(.freed(db), now: .zero) == [.look(db), .watch(false)])
        #expect(
            core.step(.found(db, lock: nil, holder: nil), now: .zero) == [
                .put(db, lease: Self.lease, ifLock: nil, ifHolder: nil)
            ]
        )
    }

    @Test func anInheritedUnitIsCoveredByTheOldFenceUntilItsLockIsKnown() {
        var core = LockCore(machine: Bench.machine, timing: FenceTiming(lease: .seconds(10)))
        #expect(core.step(.inherited([db], leases: Self.former), now: .zero) == [.look(db)])
        let lock = StoredLock(machine: Bench.machine, lease: LeaseID(1), modified: Revision(3))
        let own = StoredHolder(machine: Bench.machine, lease: LeaseID(1), modified: Revision(2))
        #expect(core.step(.found(db, lock: lock, holder: own), now: .zero) == [], "no lease yet")
        #expect(
            core.step(.lease(Self.lease, sent: .zero), now: .zero) == [
                .put(db, lease: Self.lease, ifLock: Revision(3), ifHolder: Revision(2))
            ]
        )
        #expect(core.step(.finished(db, .committed(Revision(4))), now: .zero) == [.arm(deadline: .seconds(6))])
        #expect(core.step(.armed(.done, deadline: .seconds(6)), now: .zero) == [])
        #expect(core.step(.acquire(db), now: .seconds(1)) == [.allow(db)])
        #expect(core.step(.allowed(db, .done), now: .seconds(1)) == [.hold(db)])
    }

    @Test func anInheritedUnitWhoseLockIsGoneToAnotherIsLostAndHoldsTheFence() {
        var core = LockCore(machine: Bench.machine, timing: FenceTiming(lease: .seconds(10)))
        _ = core.step(.inherited([db], leases: Self.former), now: .zero)
        _ = core.step(.acquire(db), now: .zero)
        let lock = StoredLock(machine: Self.other, lease: LeaseID(1), modified: Revision(3))
        #expect(
            core.step(.found(db, lock: lock, holder: nil), now: .zero) == [
                .forbid(db), .lose(db, to: Self.other), .watch(true),
            ]
        )
        // Another unit's lock arms nothing before the agent has seen the end of this one.
        _ = core.step(.lease(Self.lease, sent: .zero), now: .zero)
        _ = core.step(.acquire("web.service"), now: .zero)
        #expect(core.step(.finished("web.service", .committed(Revision(8))), now: .zero) == [])
        #expect(core.step(.acquire(db), now: .zero) == [.arm(deadline: .seconds(6))])
    }

    @Test func whenTheFenceHasComeDownNothingIsArmedBeforeTheAgentHasSeenIt() {
        var core = holding()
        _ = core.step(.lease(Self.lease, sent: .seconds(9)), now: .seconds(9))
        #expect(core.step(.armed(.fired, deadline: .seconds(15)), now: .seconds(9)) == [.lose(db, to: nil)])
        #expect(core.step(.lease(Self.lease, sent: .seconds(12)), now: .seconds(12)) == [])
        #expect(core.step(.acquire(db), now: .seconds(13)) == [.arm(deadline: .seconds(18))])
        #expect(core.step(.armed(.done, deadline: .seconds(18)), now: .seconds(13)) == [.allow(db)])
    }

    @Test func whatCannotBeAllowedIsNoHotLoop() {
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .committed(Revision(5))), now: .zero)
        _ = core.step(.armed(.done, deadline: .seconds(6)), now: .zero)
        let again = Duration.seconds(5.5) + LockCore.retry
        #expect(core.step(.allowed(db, .failed), now: .seconds(5.5)) == [.wake(at: again)])
        // By then the fence is about to come down, so nothing is allowed, and nobody has to wake up for that.
        #expect(core.step(.wake, now: again) == [])
        #expect(core.step(.wake, now: again) == [])
    }

    @Test func aReleasedLockIsDeletedAndTheFenceDisarmed() {
        var core = holding()
        #expect(
            core.step(.release(db), now: .seconds(1)) == [
                .forbid(db), .delete(db, ifLock: Revision(5), ifHolder: Revision(5)), .disarm,
            ]
        )
        #expect(core.step(.finished(db, .failed), now: .seconds(2)) == [.wake(at: .seconds(2) + LockCore.retry)])
        #expect(core.step(.wake, now: .seconds(3)) == [.look(db)])
        let lock = StoredLock(machine: Bench.machine, lease: Self.lease, modified: Revision(5))
        let own = StoredHolder(machine: Bench.machine, lease: LeaseID(1), modified: Revision(4))
        #expect(
            core.step(.found(db, lock: lock, holder: own), now: .seconds(3)) == [
                .delete(db, ifLock: Revision(5), ifHolder: Revision(4))
            ]
        )
        #expect(core.step(.finished(db, .committed(Revision(9))), now: .seconds(3)) == [])
        #expect(core.units.isEmpty)
    }

    @Test func aLockThatIsWantedAgainBeforeItIsGoneIsTakenAnew() {
        var core = holding()
        _ = core.step(.release(db), now: .seconds(1))
        #expect(core.step(.acquire(db), now: .seconds(1)) == [])
        #expect(
            core.step(.finished(db, .committed(Revision(6))), now: .seconds(1)) == [
                .put(db, lease: Self.lease, ifLock: nil, ifHolder: nil)
            ]
        )
    }

    @Test func aFenceThatCannotBeArmedIsTriedWithTheNextRenewalOnly() {
        var core = holding()
        #expect(core.step(.lease(Self.lease, sent: .seconds(3)), now: .seconds(3)) == [.arm(deadline: .seconds(9))])
        #expect(core.step(.armed(.failed, deadline: .seconds(9)), now: .seconds(3)) == [])
        #expect(core.step(.wake, now: .seconds(4)) == [])
        #expect(core.step(.lease(Self.lease, sent: .seconds(5)), now: .seconds(5)) == [.arm(deadline: .seconds(11))])
    }

    @Test func aLockThatWentWithItsLeaseIsLeftAloneForAWhile() {
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        let left = StoredHolder(machine: Self.other, modified: Revision(3))
        #expect(
            core.step(.found(db, lock: nil, holder: left), now: .seconds(2)) == [
                .watch(true), .wake(at: .seconds(12)),
            ]
        )
        // Looking again does not make it longer.
        #expect(core.step(.freed(db), now: .seconds(5)) == [.look(db), .watch(false)])
        #expect(core.step(.found(db, lock: nil, holder: left), now: .seconds(5)) == [.watch(true)])
        #expect(core.step(.lease(Self.lease, sent: .seconds(11)), now: .seconds(11)) == [])
        #expect(
            core.step(.wake, now: .seconds(12)) == [
                .put(db, lease: Self.lease, ifLock: nil, ifHolder: Revision(3)), .watch(false),
            ]
        )
    }

    /// Or it would be looked at again and again, as fast as the registry answers.
    @Test func whatIsLeftOfALockIsNoNews() {
        let keyspace = Keyspace.standard
        let (lock, holder) = (RegistryKey.lock(db).key(in: keyspace), RegistryKey.lockHolder(db).key(in: keyspace))
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        var other = core
        let left = StoredHolder(machine: Self.other, modified: Revision(3))
        _ = core.step(.found(db, lock: nil, holder: left), now: .zero)
        #expect(core.free(amid: [holder], keyspace) == [], "its delay counts")
        #expect(core.free(amid: [lock, holder], keyspace) == [])
        #expect(core.free(amid: [], keyspace) == [db], "given back")
        let held = StoredLock(machine: Self.other, lease: LeaseID(1), modified: Revision(3))
        _ = other.step(.found(db, lock: held, holder: left), now: .zero)
        #expect(other.free(amid: [lock, holder], keyspace) == [])
        #expect(other.free(amid: [holder], keyspace) == [db], "its lease has ended")
    }

    @Test func aLockThatIsGivenBackMeanwhileIsTakenAtOnce() {
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        let left = StoredHolder(machine: Self.other, modified: Revision(3))
        _ = core.step(.found(db, lock: nil, holder: left), now: .zero)
        _ = core.step(.freed(db), now: .seconds(1))
        #expect(
            core.step(.found(db, lock: nil, holder: nil), now: .seconds(1)) == [
                .put(db, lease: Self.lease, ifLock: nil, ifHolder: nil)
            ]
        )
    }

    @Test func whatThisMachineHeldItselfIsTakenAtOnceAndGivenBackWhenItIsNotWanted() {
        let own = StoredHolder(machine: Bench.machine, lease: Self.lease, modified: Revision(3))
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        #expect(
            core.step(.found(db, lock: nil, holder: own), now: .zero) == [
                .put(db, lease: Self.lease, ifLock: nil, ifHolder: Revision(3))
            ]
        )
        var other = holding()
        _ = other.step(.release(db), now: .seconds(1))
        _ = other.step(.finished(db, .conflict), now: .seconds(1))
        #expect(
            other.step(.found(db, lock: nil, holder: own), now: .seconds(1)) == [
                .delete(db, ifLock: nil, ifHolder: Revision(3))
            ]
        )
    }

    /// A machine that was copied has the same id. Only a lease tells the two apart.
    @Test func aLockUnderTheOwnIdOnAnotherLeaseIsAnotherMachines() {
        let (stranger, left) = (LeaseID(1), LeaseID(2))
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        let lock = StoredLock(machine: Bench.machine, lease: stranger, modified: Revision(3))
        #expect(
            core.step(.found(db, lock: lock, holder: nil), now: .zero) == [.lose(db, to: Bench.machine), .watch(true)]
        )
        _ = core.step(.freed(db), now: .seconds(5))
        let holder = StoredHolder(machine: Bench.machine, lease: left, modified: Revision(3))
        _ = core.step(.lease(Self.lease, sent: .seconds(5)), now: .seconds(5))
        #expect(
            core.step(.found(db, lock: nil, holder: holder), now: .seconds(5)) == [
                .watch(true), .wake(at: .seconds(15)),
            ]
        )
    }

    @Test(arguments: [(Duration.seconds(30), Duration.seconds(30)), (.seconds(3), .seconds(10))])
    func theLongerOfTwoDelaysCounts(_ holders: Duration, _ waits: Duration) {
        var core = Self.core()
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        let left = StoredHolder(machine: Self.other, lease: LeaseID(1), delay: holders, modified: Revision(3))
        #expect(core.step(.found(db, lock: nil, holder: left), now: .zero) == [.watch(true), .wake(at: waits)])
    }

    /// The put was given up, and was carried out when nothing was wanted of the unit any more.
    @Test func aLockThatCameLateIsGivenBack() {
        var core = Self.core()
        #expect(core.step(.noticed(db), now: .zero) == [.look(db)])
        let lock = StoredLock(machine: Bench.machine, lease: Self.lease, modified: Revision(3))
        let holder = StoredHolder(machine: Bench.machine, lease: Self.lease, modified: Revision(3))
        #expect(
            core.step(.found(db, lock: lock, holder: holder), now: .zero) == [
                .delete(db, ifLock: Revision(3), ifHolder: Revision(3))
            ]
        )
        #expect(core.step(.finished(db, .committed(Revision(4))), now: .zero) == [])
        #expect(core.known.isEmpty)
        var busy = holding()
        #expect(busy.step(.noticed(db), now: .zero) == [], "it is what was asked for")
    }

    @Test func withoutATimeToLiveNobodyIsWaitedFor() {
        var core = Self.core(fenced: false)
        _ = core.step(.acquire(db), now: .zero)
        _ = core.step(.finished(db, .conflict), now: .zero)
        let left = StoredHolder(machine: Self.other, modified: Revision(3))
        #expect(
            core.step(.found(db, lock: nil, holder: left), now: .zero) == [
                .put(db, lease: Self.lease, ifLock: nil, ifHolder: Revision(3))
            ]
        )
    }
}
