import FleetModel
import UnitFile

/// What is wrong with a unit file before it is stored, as people read it. fleetctl runs the same validation.
enum SubmissionCheck {
    static func problems(of name: UnitName, text: String, path: String?) -> [String] {
        do throws(UnitFileError) {
            _ = try UnitValidation.validate(name: name, text: text, path: path)
            return []
        } catch {
            return ["\(error)"]
        }
    }
}
