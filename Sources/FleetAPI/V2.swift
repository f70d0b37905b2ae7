package import FleetModel
package import UnitFile

/// Values of the HTTP API `/fleet/v2`, which `fleetctl` speaks. `/fleet/v1` is in V1.swift.
///
/// Changes are `POST /fleet/v2/change` with a `ChangeRequest`. The answer is a stream of `ChangeProgress`, one JSON
/// object per line (`application/x-ndjson`): one line for each unit as it arrives where the request wants it, and a
/// last line with `done`.
package struct ChangeRequest: Hashable, Sendable, Codable {
    package enum Action: String, Hashable, Sendable, Codable, CaseIterable {
        /// Store units (target state inactive).
        case submit
        /// Store what is missing, then set the target state.
        case load, start
        /// Set the target state: `stop` means loaded, `unload` inactive.
        case stop, unload
        case restart
        case resetFailed = "reset-failed"
        case destroy
        /// Move units to `machine`.
        case move
    }

    package var action: Action
    package var units: [UnitReference]
    /// Put a new file in the place of a different stored one (`--replace`).
    package var replace: Bool
    /// Answer progress until every unit has arrived; otherwise answer as soon as the change is stored.
    package var wait: Bool
    /// For `move`: an id, a unique beginning of one, or a host name.
    package var machine: String?
    /// For `move`: the units go without the data of their volumes. Absent for no.
    package var losesVolumes: Bool?

    package init(
        action: Action,
        units: [UnitReference],
        replace: Bool = false,
        wait: Bool = true,
        machine: String? = nil,
        losesVolumes: Bool? = nil
    ) {
        self.action = action
        self.units = units
        self.replace = replace
        self.wait = wait
        self.machine = machine
        self.losesVolumes = losesVolumes
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        action = try container.decode(Action.self, forKey: .action)
        units = try container.decode([UnitReference].self, forKey: .units)
        replace = try container.decodeIfPresent(Bool.self, forKey: .replace) ?? false
        wait = try container.decodeIfPresent(Bool.self, forKey: .wait) ?? true
        machine = try container.decodeIfPresent(String.self, forKey: .machine)
        losesVolumes = try container.decodeIfPresent(Bool.self, forKey: .losesVolumes)
    }
}

/// One line of the answer to a change.
package struct ChangeProgress: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        /// The registry has the change durably.
        case stored
        /// Nothing had to be changed.
        case unchanged
        /// Something the user should know; the change goes on.
        case warning
        /// The unit is where the request wants it.
        case arrived
        /// The unit failed (for good, or its first run): `failure` says how.
        case failed
        /// The unit cannot go on now; `message` says why. The request keeps waiting.
        case waiting
        /// This unit's part of the request was refused; nothing was changed for it.
        case refused
        /// The last line.
        case done
    }

    package var kind: Kind
    package var unit: UnitName?
    /// The Quadlet file by which the request named the unit; in the lines that say what became of the request.
    package var source: QuadletName?
    package var state: TargetState?
    package var machine: MachineSummary?
    /// systemd's words, where known.
    package var active: String?
    package var sub: String?
    package var failure: UnitFailure?
    /// The last lines of the failed run's journal, oldest first, where known.
    package var journal: [String]?
    package var message: String?

    package init(
        kind: Kind,
        unit: UnitName? = nil,
        source: QuadletName? = nil,
        state: TargetState? = nil,
        machine: MachineSummary? = nil,
        active: String? = nil,
        sub: String? = nil,
        failure: UnitFailure? = nil,
        journal: [String]? = nil,
        message: String? = nil
    ) {
        self.kind = kind
        self.unit = unit
        self.source = source
        self.state = state
        self.machine = machine
        self.active = active
        self.sub = sub
        self.failure = failure
        self.journal = journal
        self.message = message
    }
}

/// Enough of a machine for one line of a table.
package struct MachineSummary: Hashable, Sendable, Codable {
    package var id: MachineID
    package var hostname: String
    package var primaryIP: String

    package init(id: MachineID, hostname: String, primaryIP: String) {
        self.id = id
        self.hostname = hostname
        self.primaryIP = primaryIP
    }
}

/// `GET /fleet/v2/machines`
package struct MachineListing: Hashable, Sendable, Codable {
    package struct Row: Hashable, Sendable, Codable {
        package var machine: MachineSummary
        package var metadata: [String: String]
        package var state: MachineState
        /// Since when it is in that state; nil where nobody has written that down.
        package var stateSince: Timestamp?
        package var orders: MachineOrders
        package var version: String
        package var systemdVersion: String
        /// Of the podman that makes services of Quadlet files there; absent where there is none.
        package var podman: PodmanVersion?
        package var units: Int
        package var since: Timestamp?
        /// How many units have failed there lately and nowhere else, where they are so many that the machine is chosen
        /// last.
        package var faults: Int?

        package init(
            machine: MachineSummary,
            metadata: [String: String],
            state: MachineState,
            stateSince: Timestamp? = nil,
            orders: MachineOrders = MachineOrders(),
            version: String,
            systemdVersion: String,
            podman: PodmanVersion? = nil,
            units: Int,
            since: Timestamp?,
            faults: Int? = nil
        ) {
            self.machine = machine
            self.metadata = metadata
            self.state = state
            self.stateSince = stateSince
            self.orders = orders
            self.version = version
            self.systemdVersion = systemdVersion
            self.podman = podman
            self.units = units
            self.since = since
            self.faults = faults
        }
    }

    package var machines: [Row]
    /// Since when the units of lost machines are held back; absent while they are not.
    package var brakedSince: Timestamp?

    package init(machines: [Row], brakedSince: Timestamp? = nil) {
        self.machines = machines
        self.brakedSince = brakedSince
    }
}

/// `GET /fleet/v2/units`: one row per unit, with one state for every machine that reports one.
package struct UnitListing: Hashable, Sendable, Codable {
    package struct Row: Hashable, Sendable, Codable {
        package var name: UnitName
        /// The Quadlet file that it comes from; absent for a unit file of systemd's.
        package var source: QuadletName?
        /// What its image is pinned to (`PinImage=`); absent where it is not.
        package var image: String?
        package var file: ContentHash
        package var description: String
        package var target: TargetState
        /// How far its machine is with that; nil for a global unit, which has many machines.
        package var current: TargetState?
        package var isGlobal: Bool
        /// Machines the unit is assigned to.
        package var assigned: [MachineSummary]
        package var states: [State]
        /// Why it is nowhere although it should be somewhere.
        package var blocked: String?
        /// Given up or waiting to be tried again, in words.
        package var reschedule: String?

        package init(
            name: UnitName,
            source: QuadletName? = nil,
            image: String? = nil,
            file: ContentHash,
            description: String,
            target: TargetState,
            current: TargetState?,
            isGlobal: Bool,
            assigned: [MachineSummary],
            states: [State],
            blocked: String?,
            reschedule: String?
        ) {
            self.name = name
            self.source = source
            self.image = image
            self.file = file
            self.description = description
            self.target = target
            self.current = current
            self.isGlobal = isGlobal
            self.assigned = assigned
            self.states = states
            self.blocked = blocked
            self.reschedule = reschedule
        }
    }

    package struct State: Hashable, Sendable, Codable {
        package var machine: MachineSummary
        package var status: UnitStatus

        package init(machine: MachineSummary, status: UnitStatus) {
            self.machine = machine
            self.status = status
        }
    }

    package var units: [Row]

    package init(units: [Row]) { self.units = units }
}

/// `GET /fleet/v2/units/NAME`: one unit with its text and the chain of its events (`cat`, `status`, `why`).
package struct UnitDetail: Hashable, Sendable, Codable {
    package var row: UnitListing.Row
    package var text: String
    package var submitted: Provenance
    package var targetSet: Provenance
    /// Oldest first.
    package var events: [UnitEvent]
    /// For every present machine, why the unit may not go there; absent for machines where it may.
    package var notEligible: [MachineID: String]

    package init(
        row: UnitListing.Row,
        text: String,
        submitted: Provenance,
        targetSet: Provenance,
        events: [UnitEvent],
        notEligible: [MachineID: String]
    ) {
        self.row = row
        self.text = text
        self.submitted = submitted
        self.targetSet = targetSet
        self.events = events
        self.notEligible = notEligible
    }
}

/// `GET /fleet/v2/units/NAME/journal?lines=N&follow=1`: one JSON object per line.
package struct JournalLine: Hashable, Sendable, Codable {
    package var at: Timestamp
    package var hostname: String
    /// `SYSLOG_IDENTIFIER`, or the command's name.
    package var identifier: String
    package var pid: Int32
    /// syslog(3) level, 0 to 7.
    package var priority: Int
    package var message: String

    package init(
        at: Timestamp,
        hostname: String,
        identifier: String,
        pid: Int32,
        priority: Int,
        message: String
    ) {
        self.at = at
        self.hostname = hostname
        self.identifier = identifier
        self.pid = pid
        self.priority = priority
        self.message = message
    }
}

/// `GET /fleet/v2/version`
package struct VersionReport: Hashable, Sendable, Codable {
    package var version: String

    package init(version: String) { self.version = version }
}

/// `GET /fleet/v2/health`: 200 when all of it is well, 503 with the same body otherwise.
package struct HealthReport: Hashable, Sendable, Codable {
    package var healthy: Bool
    /// Why the registry cannot be read; absent when it can.
    package var registry: String?
    /// The machine that leads; absent when none does, which keeps nothing from running but decides nothing either.
    package var leader: MachineID?
    /// Why systemd cannot be reached; absent when it can.
    package var systemd: String?

    package init(registry: String?, leader: MachineID?, systemd: String?) {
        healthy = registry == nil && leader != nil && systemd == nil
        self.registry = registry
        self.leader = leader
        self.systemd = systemd
    }
}

/// Every refusal of the API, in fleet's shape: `{"error":{"code":404,"message":"unit does not exist"}}`.
package struct APIError: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    package struct Body: Hashable, Sendable, Codable {
        package var code: Int
        package var message: String
    }

    package var error: Body

    /// `code` is the HTTP status; `message` says what is wrong and the way out.
    package init(_ code: Int, _ message: String) {
        error = Body(code: code, message: message)
    }

    package var description: String { error.message }
}
