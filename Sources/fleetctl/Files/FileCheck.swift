import FleetModel
import UnitFile

/// The check of a unit file before anything is sent: the same rules as fleetd's.
enum FileCheck {
    /// What is wrong with `file`, one line each: `web.service:3:1: ...`.
    static func errors(_ name: UnitName, _ file: LocalFile) -> [String] {
        []
    }

    static func throwErrors(_ name: UnitName, _ file: LocalFile) throws(Failure) {
        let errors = errors(name, file)
        guard errors.isEmpty else { throw Failure(errors.joined(separator: "\n")) }
    }
}
