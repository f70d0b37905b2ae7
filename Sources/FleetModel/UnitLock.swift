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
