import FleetRuntime
import FoundationEssentials
import Logging

/// Where settings come from: the file, if there is one, and the environment.
struct ConfigurationSource {
    /// nil for the standard place, which may be missing; a file that is named must exist.
    let path: String?

    static let standardPath = "/etc/fleet/fleet.conf"

    /// Reads and checks everything again. Throws a `ConfigurationError` that names the place of the mistake.
    func read(log: Logger) throws -> Configuration {
        let path = path ?? Self.standardPath
        var text: String?
        do {
            text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile && self.path == nil {
            text = nil
        } catch {
            throw ConfigurationError(place: path, message: "the configuration cannot be read: \(error)")
        }
        let environment = ProcessInfo.processInfo.environment
        let loaded = try Configuration.load(file: text, path: path, environment: environment)
        for warning in loaded.warnings { log.warning("\(warning)") }
        return loaded.configuration
    }
}
