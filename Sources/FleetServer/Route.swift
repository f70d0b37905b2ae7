import FleetAPI
import FleetModel
import HTTPTypes
import UnitFile

/// What a path means. The table of the API: everything that is not here does not exist.
enum Route: Hashable, Sendable {
    /// A place on the way to others: nothing is there.
    case nothing
    case v1Machines
    case v1Units
    case v1Unit(String)
    case v1States
    case v1State(String)
    case v1Discovery
    case machines
    case machineOrders
    case brake
    case brakeRelease
    case volumes
    case forgetVolumes
    case units
    case unit(String)
    case journal(String)
    case change
    case events
    case registry
    case credentials(CredentialKind)
    case credential(CredentialKind, String)
    case version
    case health

    /// nil for a path that does not exist.
    init?(_ segments: [String]) {
        switch (segments.first, segments.dropFirst().first) {
        case ("", nil): self = .nothing
        case ("fleet", "v2"):
            guard let route = Self.v2(Array(segments.dropFirst(2))) else { return nil }
            self = route
        case ("fleet", "v1"):
            guard let route = Self.v1(Array(segments.dropFirst(2))) else { return nil }
            self = route
        case ("v1-alpha", _):
            guard let route = Self.v1(Array(segments.dropFirst(1))) else { return nil }
            self = route
        default: return nil
        }
    }

    private static func v1(_ segments: [String]) -> Route? {
        switch (segments.first, segments.count) {
        case (nil, _): .nothing
        case ("machines", 1): .v1Machines
        case ("units", 1): .v1Units
        case ("units", 2) where !segments[1].isEmpty: .v1Unit(segments[1])
        case ("state", 1): .v1States
        case ("state", 2) where !segments[1].isEmpty: .v1State(segments[1])
        case ("discovery", 1): .v1Discovery
        default: nil
        }
    }

    private static func v2(_ segments: [String]) -> Route? {
        switch (segments.first, segments.count) {
        case (nil, _): .nothing
        case ("machines", 1): .machines
        case ("machines", 2) where segments[1] == "orders": .machineOrders
        case ("brake", 1): .brake
        case ("brake", 2) where segments[1] == "release": .brakeRelease
        case ("volumes", 1): .volumes
        case ("volumes", 2) where segments[1] == "forget": .forgetVolumes
        case ("units", 1): .units
        case ("units", 2) where !segments[1].isEmpty: .unit(segments[1])
        case ("units", 3) where segments[2] == "journal" && !segments[1].isEmpty: .journal(segments[1])
        case ("change", 1): .change
        case ("events", 1): .events
        case ("registry", 1): .registry
        case ("configs", 1): .credentials(.config)
        case ("secrets", 1): .credentials(.secret)
        case ("configs", 2) where !segments[1].isEmpty: .credential(.config, segments[1])
        case ("secrets", 2) where !segments[1].isEmpty: .credential(.secret, segments[1])
        case ("version", 1): .version
        case ("health", 1): .health
        default: nil
        }
    }

    /// In the order in which `Allow` lists them.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .nothing: []
        case .v1Machines: [.get, .head, .patch]
        case .v1Unit: [.get, .head, .put, .delete]
        case .registry, .credentials(.secret): [.get, .head, .post]
        case .credential(.config, _): [.get, .head, .put, .delete]
        case .credential(.secret, _): [.put, .delete]
        case .change, .machineOrders, .brakeRelease, .forgetVolumes: [.post]
        case .v1Units, .v1States, .v1State, .v1Discovery, .machines, .brake, .volumes, .units, .unit, .journal, .events,
            .version, .health, .credentials(.config):
            [.get, .head]
        }
    }
}
