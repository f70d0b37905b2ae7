package import UnitFile

/// Something that was decided or seen about a unit, with its cause. The chain of a unit's events is what
/// `fleetctl why` prints.
package struct UnitEvent: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        case submitted, replaced, target, restart, reload, resetFailed, destroyed
        case placed, moveAsked, moved, moveDropped, unplaced, blocked
        case pulled, started, reloaded, stopped, failed, refused
        case retry, gaveUp
    }

    package var at: Timestamp
    package var unit: UnitName
    package var kind: Kind
    /// The machine concerned, if one is.
    package var machine: MachineID?
    /// One sentence without a full stop that says what and why.
    package var message: String
    /// For `failed`: the last lines of the unit's journal for the run, oldest first; at most `Limits.journalLines`.
    /// Absent for what has none.
    package var journal: [String]?

    package init(
        at: Timestamp,
        unit: UnitName,
        kind: Kind,
        machine: MachineID? = nil,
        message: String,
        journal: [String]? = nil
    ) {
        self.at = at
        self.unit = unit
        self.kind = kind
        self.machine = machine
        self.message = message
        self.journal = journal
    }
}
