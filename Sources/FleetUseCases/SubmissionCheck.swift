import FleetModel
import UnitFile

/// What is wrong with a unit file before it is stored, as people read it. fleetctl runs the same check.
enum SubmissionCheck {
    static func problems(of name: UnitName, text: String, path: String?) -> [String] {
        let place = path ?? name.description
        guard text.utf8.count <= Limits.unitFileBytes else {
            return ["\(place): the unit file has \(text.utf8.count) bytes, more than \(Limits.unitFileBytes) allowed"]
        }
        return []
    }
}
