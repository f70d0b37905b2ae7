import FleetModel
import UnitFile

/// The check of a unit file before anything is sent: the same rules as fleetd's.
enum FileCheck {
    /// What is wrong with `file`, such as `web.service:3:1: ...`; nil when nothing is.
    static func error(_ name: UnitName, _ file: LocalFile) -> String? {
        do {
            _ = try UnitValidation.validate(name: name, text: file.text, path: file.path)
            return nil
        } catch {
            return error.description
        }
    }

    /// What is accepted and will surprise, of a file without an error.
    static func warnings(_ name: UnitName, _ file: LocalFile, source: QuadletName? = nil) -> [String] {
        do {
            let parsed = try ParsedUnitFile.parse(file.text, path: file.path)
            return UnitValidation.warnings(name: name, source: source, file: parsed)
        } catch {
            return []
        }
    }

    static func throwError(_ name: UnitName, _ file: LocalFile) throws(Failure) {
        if let error = error(name, file) { throw Failure(error) }
    }
}
