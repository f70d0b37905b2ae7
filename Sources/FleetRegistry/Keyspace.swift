package import FleetModel
package import UnitFile

/// Where everything is stored. This file and `RegistryKey.swift` are the registry's schema; docs/registry.md shows it.
///
/// Keys that an agent needs are below its machine's id, so that a change wakes just the machine it concerns.
package struct Keyspace: Hashable, Sendable {
    /// Every key of this fleet starts so; ends in `/`.
    package let prefix: String

    package static let standard = Keyspace(prefix: "/fleet/")

    /// A missing slash at the end is added.
    package init(prefix: String) {
        self.prefix = prefix.hasSuffix("/") ? prefix : prefix + "/"
    }

    /// Everything.
    package var all: KeyRange { .prefix(prefix) }

    package func assignments(of machine: MachineID) -> KeyRange { .prefix("\(prefix)assignments/\(machine)/") }
    package func refusals(of machine: MachineID) -> KeyRange { .prefix("\(prefix)refusals/\(machine)/") }
    package func statuses(of machine: MachineID) -> KeyRange { .prefix("\(prefix)status/\(machine)/") }
    package var locks: KeyRange { .prefix("\(prefix)locks/") }
    /// The failure records of a unit, of every scope.
    package func failures(of unit: UnitName) -> KeyRange { .prefix("\(prefix)failures/\(unit)/") }
    package func events(of unit: UnitName) -> KeyRange { .prefix("\(prefix)events/\(unit)/") }
}
