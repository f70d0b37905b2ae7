/// What `fleetctl events` tells.
package enum FleetEvent: Hashable, Sendable {
    case unit(UnitEvent)
    case machine(MachineEvent)
}

/// Something that became of a machine, or of the fleet as a whole. Nobody stores these: they follow from what is
/// stored, and each fleetd tells them to those who follow its events at that moment.
package struct MachineEvent: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case ready, cordoned, draining, drained, lost
        /// Unit after unit fails there, so it is chosen last; and no more.
        case faulty, sound
        /// A machine leads; none does when `machine` is absent.
        case leader
        case braked, brakeReleased
    }

    /// When this fleetd learned of it.
    package var at: Timestamp
    package var kind: Kind
    /// The machine concerned, if one is.
    package var machine: MachineID?
    /// One sentence without a full stop.
    package var message: String

    package init(at: Timestamp, kind: Kind, machine: MachineID? = nil, message: String) {
        self.at = at
        self.kind = kind
        self.machine = machine
        self.message = message
    }
}

/// Tells what became of the fleet's machines between two snapshots.
package struct MachineNews: Hashable, Sendable {
    private var states: [MachineID: MachineState]
    private var leader: MachineID?
    private var isBraked: Bool
    private var faulty: [MachineID: Int]

    /// Nothing in `snapshot` is news.
    package init(since snapshot: Snapshot, now: Timestamp) {
        states = Self.states(in: snapshot)
        leader = snapshot.leadership?.machine
        isBraked = snapshot.brake?.since != nil
        faulty = snapshot.faultyMachines(now: now)
    }

    /// What differs in `snapshot`: the machines by id, then the leader, then the brake. A machine that nobody knows any
    /// more is no news.
    package mutating func advance(to snapshot: Snapshot, now: Timestamp) -> [MachineEvent] {
        let before = self
        self = MachineNews(since: snapshot, now: now)
        var events: [MachineEvent] = []
        for (machine, state) in states.sorted(by: { $0.key < $1.key }) where before.states[machine] != state {
            let kind: MachineEvent.Kind =
                switch state {
                case .ready: .ready
                case .cordoned: .cordoned
                case .draining: .draining
                case .drained: .drained
                case .lost: .lost
                }
            let message = Self.sentence(machine, before.states[machine], state, in: snapshot)
            events.append(MachineEvent(at: now, kind: kind, machine: machine, message: message))
        }
        for machine in Set(faulty.keys).symmetricDifference(before.faulty.keys).sorted() {
            let units = faulty[machine]
            let message = units.map { "\($0) units have failed there lately and nowhere else: it is chosen last" }
            events.append(
                MachineEvent(
                    at: now,
                    kind: units == nil ? .sound : .faulty,
                    machine: machine,
                    message: message ?? "is chosen as others are again"
                )
            )
        }
        if leader != before.leader {
            let message = leader == nil ? "no machine leads the fleet" : "leads the fleet"
            events.append(MachineEvent(at: now, kind: .leader, machine: leader, message: message))
        }
        if isBraked != before.isBraked {
            events.append(
                MachineEvent(
                    at: now,
                    kind: isBraked ? .braked : .brakeReleased,
                    message: isBraked
                        ? "more machines are lost than are left: their units are not moved until they are back, or "
                            + "until 'fleetctl brake release'"
                        : "the brake is off: units of lost machines are moved as usual"
                )
            )
        }
        return events
    }

    private static func states(in snapshot: Snapshot) -> [MachineID: MachineState] {
        Dictionary(uniqueKeysWithValues: snapshot.machines.keys.map { ($0, snapshot.state(of: $0)) })
    }

    private static func sentence(
        _ machine: MachineID,
        _ before: MachineState?,
        _ state: MachineState,
        in snapshot: Snapshot
    ) -> String {
        let orders = snapshot.machines[machine]?.orders ?? MachineOrders()
        switch state {
        case .ready:
            switch before {
            case nil: return "is new, and takes units"
            case .lost: return "is back, and takes units"
            case .ready, .cordoned, .draining, .drained: return "takes units again"
            }
        case .cordoned:
            guard let cordon = orders.cordoned else { return "takes no new units" }
            return "takes no new units, by order of \(cordon.set.by)" + (cordon.reason.map { ": \($0)" } ?? "")
        case .draining:
            guard let drain = orders.draining else { return "its units leave" }
            return "its units leave, by order of \(drain.set.by)"
        case .drained: return "its units have left"
        case .lost: return "is lost: it has left, or could not renew its lease"
        }
    }
}
