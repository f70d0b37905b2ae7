package import FleetModel

/// When more than half of the machines vanish at once, the likelier story is a cut network or a dark room, and moving
/// everything onto the rest would do more harm than waiting. Then nothing is moved off the lost machines until they are
/// back or an operator says otherwise.
///
/// The brake takes hold when at least two machines were lost within a minute, they are more than those left, and one of
/// them has units still. Machines whose leases run out count as lost (`Sight.silent`): of those that vanish together,
/// the first one's units would be gone before the last one's lease has ended. It also takes hold when a leader that
/// has booted just now misses machines with units, however few: after a power cut of the whole site they are on their
/// way (`Sight.awaited`).
///
/// Lost machines count whether they have units or not, until they are back, have left in good order, or are forgotten.
///
/// It ends when nobody is lost any more whom no operator has released. It also ends when for a minute no machine came
/// back, nobody is awaited, and those lost are not more than those left, or have no units any more. A fleet of two
/// that loses one, or of four that loses two, is not braked.
package enum Brake {
    /// What the leader knows and the registry does not say.
    package struct Sight: Hashable, Sendable {
        /// Machines that are present, and whose leases nobody has renewed in time.
        package var silent: Set<MachineID>
        /// Machines with units that were not there yet when this engine's own machine booted, a moment ago.
        package var awaited: Set<MachineID>

        package init(silent: Set<MachineID> = [], awaited: Set<MachineID> = []) {
            self.silent = silent
            self.awaited = awaited
        }
    }

    /// Losses count together within this time. The leases of machines that vanish at one moment end within one interval
    /// of their renewal, about 3 s; a power cut takes a room down in longer than that.
    package static let window = BrakeRecord.window
    /// How long after it began, and after a machine came back, the brake stays on: machines that get their power at one
    /// moment boot within less.
    package static let calm = Duration.seconds(60)
    /// One machine is never a brake, unless it is awaited.
    package static let fewestMachines = 2

    /// What should be stored now. Equal to what is stored almost always.
    package static func next(_ snapshot: Snapshot, _ sight: Sight = Sight(), now: Timestamp) -> BrakeRecord {
        let old = snapshot.brake ?? BrakeRecord()
        func isPresent(_ machine: MachineID) -> Bool { snapshot.machines[machine]?.presence != nil }
        func hasUnits(_ machine: MachineID) -> Bool { snapshot.unitsByMachine[machine]?.isEmpty == false }
        func isKnown(_ machine: MachineID) -> Bool { snapshot.machines[machine]?.known != nil }
        var next = old
        next.lost = old.lost.filter { machine, at in
            // A machine whose units have moved counts for a while: the next one may follow it.
            !isPresent(machine)
                && (isKnown(machine) || hasUnits(machine) || old.since != nil || isWithin(window, at, now))
        }
        let machines = snapshot.machines.values.lazy.filter { $0.presence == nil && $0.known != nil }.map(\.id)
        for machine in Set(machines).union(snapshot.unitsByMachine.keys)
        where !isPresent(machine) && (isKnown(machine) || hasUnits(machine)) {
            if next.lost[machine] == nil { next.lost[machine] = now }
        }
        next.released = old.released.filter { next.lost[$0] != nil }
        let unreleased = next.unreleased
        let left = snapshot.machines.values.count { $0.presence != nil }
        if old.since == nil {
            next.returned = nil
            let together = unreleased.count { next.lost[$0].map { isWithin(window, $0, now) } ?? false }
            let gone = together + sight.silent.count
            let isMany = gone >= fewestMachines && gone > left - sight.silent.count
            let isAwaiting = unreleased.contains {
                sight.awaited.contains($0) && hasUnits($0) && isWithin(window, next.lost[$0] ?? now, now)
            }
            if isAwaiting || (isMany && (unreleased + sight.silent).contains(where: hasUnits)) { next.since = now }
        } else {
            if old.lost.keys.contains(where: isPresent) { next.returned = now }
            let isAwaiting = unreleased.contains(where: sight.awaited.contains)
            // Who was lost long before has no part in it.
            let held = unreleased.filter { next.holds($0) }
            let isEnough = held.count <= left || !unreleased.contains(where: hasUnits)
            if held.isEmpty || (isEnough && !isAwaiting && isCalm(next, now)) {
                (next.since, next.returned) = (nil, nil)
            }
        }
        return next
    }

    /// When the brake may have to end without anything else happening; nil when it is off, or not for want of time.
    package static func end(_ record: BrakeRecord?, now: Timestamp) -> Timestamp? {
        guard let record, record.since != nil, !isCalm(record, now) else { return nil }
        return quietSince(record)?.advanced(by: calm)
    }

    private static func quietSince(_ record: BrakeRecord) -> Timestamp? {
        [record.since, record.returned].compactMap(\.self).max()
    }

    private static func isCalm(_ record: BrakeRecord, _ now: Timestamp) -> Bool {
        guard let quiet = quietSince(record) else { return true }
        return !isWithin(calm, quiet, now)
    }

    /// A clock that was set back must not make a moment last for hours, so neither is the future near.
    private static func isWithin(_ span: Duration, _ time: Timestamp, _ now: Timestamp) -> Bool {
        let since = now.since(time)
        return since < span && since > .zero - span
    }
}
