package import FleetModel
package import UnitFile

/// `GET /fleet/v2/events?lines=N&unit=PATTERN&follow=1`: one JSON object per line. The newest `N` stored events of the
/// units, oldest first, then new ones as they come if `follow`, those of machines among them unless units are named.
package struct EventLine: Hashable, Sendable, Codable {
    package var at: Timestamp
    /// `UnitEvent.Kind` where there is a unit, `MachineEvent.Kind` where there is none.
    package var kind: String
    package var unit: UnitName?
    package var machine: MachineSummary?
    package var message: String
    /// For a unit that failed: the last lines of its journal, oldest first.
    package var journal: [String]?

    package init(
        at: Timestamp,
        kind: String,
        unit: UnitName? = nil,
        machine: MachineSummary? = nil,
        message: String,
        journal: [String]? = nil
    ) {
        self.at = at
        self.kind = kind
        self.unit = unit
        self.machine = machine
        self.message = message
        self.journal = journal
    }

    package init(_ event: FleetEvent, in snapshot: Snapshot) {
        switch event {
        case .unit(let event):
            self.init(
                at: event.at,
                kind: event.kind.rawValue,
                unit: event.unit,
                machine: event.machine.map { MachineSummary($0, in: snapshot) },
                message: event.message,
                journal: event.journal
            )
        case .machine(let event):
            self.init(
                at: event.at,
                kind: event.kind.rawValue,
                machine: event.machine.map { MachineSummary($0, in: snapshot) },
                message: event.message
            )
        }
    }
}
