package import FleetModel
package import UnitFile

/// `POST /fleet/v2/machines/orders`: what an operator orders of machines. The answer is a stream of `MachineProgress`,
/// one JSON object per line.
package struct MachineOrderRequest: Hashable, Sendable, Codable {
    package enum Action: String, Hashable, Sendable, Codable, CaseIterable {
        case cordon, uncordon, drain, forget
    }

    package var action: Action
    /// Ids, unique beginnings of ids, or host names.
    package var machines: [String]
    /// Why, in the operator's words; for `cordon`.
    package var reason: String?
    /// For `drain`: what is left after so many milliseconds leaves without waiting.
    package var deadline: Int64?
    /// For `drain`: answer progress until every unit has left.
    package var wait: Bool

    package init(
        action: Action,
        machines: [String],
        reason: String? = nil,
        deadline: Int64? = nil,
        wait: Bool = false
    ) {
        self.action = action
        self.machines = machines
        self.reason = reason
        self.deadline = deadline
        self.wait = wait
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        action = try container.decode(Action.self, forKey: .action)
        machines = try container.decode([String].self, forKey: .machines)
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        deadline = try container.decodeIfPresent(Int64.self, forKey: .deadline)
        wait = try container.decodeIfPresent(Bool.self, forKey: .wait) ?? false
    }
}

/// One line of the answer to an order.
package struct MachineProgress: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        /// The registry has the order durably.
        case stored
        /// It was so already.
        case unchanged
        /// `unit` has left the machine; `to` says where it is now, `message` why it is nowhere.
        case left
        /// `unit` is there still; `message` says why. The request keeps waiting.
        case staying
        /// Something stands in the way that concerns no unit.
        case waiting
        /// Every unit has left the machine.
        case drained
        /// The drain was ended before every unit had left.
        case ended
        /// Something the user should know.
        case warning
        /// The last line.
        case done
    }

    package var kind: Kind
    package var machine: MachineSummary?
    package var unit: UnitName?
    package var to: MachineSummary?
    package var message: String?

    package init(
        kind: Kind,
        machine: MachineSummary? = nil,
        unit: UnitName? = nil,
        to: MachineSummary? = nil,
        message: String? = nil
    ) {
        self.kind = kind
        self.machine = machine
        self.unit = unit
        self.to = to
        self.message = message
    }
}

/// `GET /fleet/v2/brake`, and the answer to `POST /fleet/v2/brake/release`.
package struct BrakeReport: Hashable, Sendable, Codable {
    /// Since when the units of `machines` are held; absent while the brake is off.
    package var since: Timestamp?
    /// Lost machines whose units are held, by id.
    package var machines: [MachineSummary]

    package init(since: Timestamp?, machines: [MachineSummary]) {
        self.since = since
        self.machines = machines
    }

    package init(of snapshot: Snapshot) {
        let held = snapshot.brake.map { brake in brake.unreleased.filter(brake.holds) } ?? []
        self.init(
            since: held.isEmpty ? nil : snapshot.brake?.since,
            machines: held.map { MachineSummary($0, in: snapshot) }
        )
    }
}
