package import FleetModel
package import FleetRegistry
package import UnitFile

/// Everything that can happen to a machine's locks.
package enum LockInput: Hashable, Sendable {
    /// At the start: the units that an earlier fleetd has let run and the fence has not stopped, and the leases that it
    /// had.
    case inherited(Set<UnitName>, leases: OwnLeases)
    /// The agent wants the unit to run here, or wants to be sure that it may.
    case acquire(UnitName)
    /// The agent is done with the unit: nothing of it runs, and its file is gone.
    case release(UnitName)
    /// The machine's lease was granted or renewed; `sent` is when that was asked for, by a clock that counts suspends.
    case lease(LeaseID, sent: Duration)
    /// What became of `LockDirective.put` and `delete`.
    case finished(UnitName, LockCommit)
    /// The answer to `LockDirective.look`: the lock, and who took it last and has not given it back.
    case found(UnitName, lock: StoredLock?, holder: StoredHolder?)
    /// The registry did not answer `look`; it is asked again when the time of `LockDirective.wake` has come.
    case notFound(UnitName)
    /// The registry has a lock that names this machine.
    case noticed(UnitName)
    /// Something about the lock that another machine had, or had last, is gone.
    case freed(UnitName)
    /// The answer to `LockDirective.arm`.
    case armed(FenceAnswer, deadline: Duration)
    /// The answer to `LockDirective.allow`.
    case allowed(UnitName, FenceAnswer)
    /// The time asked for has come.
    case wake
}

/// A lock as the registry has it.
package struct StoredLock: Hashable, Sendable {
    package var machine: MachineID
    package var lease: LeaseID?
    package var modified: Revision

    package init(machine: MachineID, lease: LeaseID?, modified: Revision) {
        self.machine = machine
        self.lease = lease
        self.modified = modified
    }
}

/// The same for who took it last.
package struct StoredHolder: Hashable, Sendable {
    package var machine: MachineID
    /// nil where it is not known, and then nobody's own.
    package var lease: LeaseID?
    /// How long its unit may still run; zero where it is not known.
    package var delay: Duration
    package var modified: Revision

    package init(machine: MachineID, lease: LeaseID? = nil, delay: Duration = .zero, modified: Revision) {
        self.machine = machine
        self.lease = lease
        self.delay = delay
        self.modified = modified
    }
}

package enum LockCommit: Hashable, Sendable {
    case committed(Revision)
    case conflict
    /// Refused or unknown: look, and try again.
    case failed
}

package enum FenceAnswer: Hashable, Sendable {
    case done
    /// The fence has come down since it was armed last: units that were allowed to run are not any more.
    case fired
    /// systemd or the disk did not do it; what was armed before still is.
    case failed
}

/// What a machine's locks ask for.
package enum LockDirective: Hashable, Sendable {
    /// Put the lock on this lease, and its holder, if both are as they were: absent (nil), or last changed at this
    /// revision.
    case put(UnitName, lease: LeaseID, ifLock: Revision?, ifHolder: Revision?)
    /// Delete the lock and its holder, if both are as they were.
    case delete(UnitName, ifLock: Revision?, ifHolder: Revision?)
    case look(UnitName)
    /// Tell of the end (`freed`) of any lock as long as `true`.
    case watch(Bool)
    /// Have systemd stop all at-most-once units at `deadline`, in place of when it was told before.
    case arm(deadline: Duration)
    /// Nothing has to be stopped.
    case disarm
    /// Let systemd start the unit, as long as the fence does not come down.
    case allow(UnitName)
    /// systemd may not start it any more.
    case forbid(UnitName)
    /// Tell the agent that the unit may run.
    case hold(UnitName)
    /// Tell the agent that the unit may not run (any more), and who has the lock if somebody has.
    case lose(UnitName, to: MachineID?)
    /// Send `wake` at this time, by the clock of `LockInput.lease`.
    case wake(at: Duration)
}
