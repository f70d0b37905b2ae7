/// The right to run an `AtMostOnce=` unit. Stored at `locks/UNIT` on the lease of the machine that has it: there is one
/// key, so no two machines ever have it, whatever engines and agents believe.
package struct UnitLock: Hashable, Sendable, Codable {
    package var machine: MachineID
    /// When it was taken first, by the machine's clock.
    package var at: Timestamp

    package init(machine: MachineID, at: Timestamp) {
        self.machine = machine
        self.at = at
    }
}

/// Who took a unit's lock last and has not given it back. Stored at `locks/UNIT/holder`, durable: a lock that has gone
/// while this is there went with its machine's lease, and that alone does not prove that the unit has stopped.
///
/// etcd may end a lease before its time: a member that led, was frozen and goes on revokes all leases that it believes
/// to have ended (etcd-io/etcd issue 15247). So whoever takes the lock over waits first, as Chubby's lock-delay has it
/// (Burrows, OSDI 2006, 2.4).
package struct UnitLockHolder: Hashable, Sendable, Codable {
    package var machine: MachineID
    /// The number of the lease that the lock was put on: two machines may have one id, and never one lease.
    package var lease: Int64?
    /// How long the unit may still run after that lease has ended (`FenceTiming.lockDelay` of the machine that took the
    /// lock, whose `agent_ttl` need not be that of the one that waits).
    package var delayMilliseconds: Int64?

    package init(machine: MachineID, lease: Int64? = nil, delay: Duration? = nil) {
        self.machine = machine
        self.lease = lease
        delayMilliseconds = delay?.milliseconds
    }
}
