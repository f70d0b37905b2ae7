package import FleetModel
package import UnitFile

/// What should change, from one snapshot, with every reason. Immutable and complete: equal input makes an equal plan.
package struct Plan: Equatable, Sendable {
    /// The snapshot it was made from.
    package let basedOn: Revision
    package let epoch: Epoch
    /// By unit, then failures before placements, then by machine.
    package let decisions: [Decision]
    /// Of the units looked at, those that should be loaded or run and are not, or wait.
    package let blocked: [UnitName: BlockedReason]
    /// Of the units looked at, those that are on a machine which they should leave.
    package let staying: [UnitName: [MachineID: StayingReason]]
    /// Units that were looked at: what `blocked` does not name of these is not blocked.
    package let considered: Set<UnitName>
    /// When something has to be tried again if nothing happens before.
    package let wakeAt: Timestamp?

    package init(
        basedOn: Revision,
        epoch: Epoch,
        decisions: [Decision],
        blocked: [UnitName: BlockedReason],
        staying: [UnitName: [MachineID: StayingReason]] = [:],
        considered: Set<UnitName>,
        wakeAt: Timestamp?
    ) {
        self.basedOn = basedOn
        self.epoch = epoch
        self.decisions = decisions
        self.blocked = blocked
        self.staying = staying
        self.considered = considered
        self.wakeAt = wakeAt
    }
}

extension Plan: CustomStringConvertible {
    package var description: String {
        let lines =
            decisions.map(\.description)
            + blocked.sorted { $0.key < $1.key }.map { "\($0.key): blocked: \($0.value)" }
            + staying.sorted { $0.key < $1.key }.flatMap { unit, reasons in
                reasons.sorted { $0.key < $1.key }.map { "\(unit): stays on \($0.key.short): \($0.value)" }
            }
            + (wakeAt.map { ["wake at \($0)"] } ?? [])
        return lines.isEmpty ? "nothing to do" : lines.joined(separator: "\n")
    }
}
