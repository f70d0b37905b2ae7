import FleetModel

/// Values of the HTTP API `/fleet/v1`, fleet's own, field for field. Empty fields are left out; lists are always there,
/// also empty ones (fleet left those out, and every client had to know it).
package enum V1 {
    package struct Machine: Hashable, Sendable, Codable {
        package var id: String
        package var primaryIP: String?
        package var metadata: [String: String]?
    }

    package struct MachinePage: Hashable, Sendable, Codable {
        package var machines: [Machine]
        package var nextPageToken: String?
    }

    /// One line of a unit file.
    package struct UnitOption: Hashable, Sendable, Codable {
        package var section: String
        package var name: String
        package var value: String

        package init(section: String, name: String, value: String) {
            self.section = section
            self.name = name
            self.value = value
        }
    }

    package struct Unit: Hashable, Sendable, Codable {
        /// Absent in the body of a PUT: the path names the unit.
        package var name: String?
        /// The Quadlet file that `options` are, which becomes the unit on its machines; fleet had none.
        package var source: String?
        package var options: [UnitOption]?
        package var desiredState: String?
        /// Absent for global units, which have one state per machine.
        package var currentState: String?
        package var machineID: String?

        package init(
            name: String?,
            source: String? = nil,
            options: [UnitOption]? = nil,
            desiredState: String? = nil,
            currentState: String? = nil,
            machineID: String? = nil
        ) {
            self.name = name
            self.source = source
            self.options = options
            self.desiredState = desiredState
            self.currentState = currentState
            self.machineID = machineID
        }
    }

    package struct UnitPage: Hashable, Sendable, Codable {
        package var units: [Unit]
        package var nextPageToken: String?

        package init(units: [Unit], nextPageToken: String?) {
            self.units = units
            self.nextPageToken = nextPageToken
        }
    }

    package struct UnitState: Hashable, Sendable, Codable {
        package var name: String
        /// SHA-256 of the installed file (fleet's was SHA-1 of its own rendering).
        package var hash: String?
        package var machineID: String
        package var systemdLoadState: String
        package var systemdActiveState: String
        package var systemdSubState: String
    }

    package struct StatePage: Hashable, Sendable, Codable {
        package var states: [UnitState]
        package var nextPageToken: String?
    }
}
