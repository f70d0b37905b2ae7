import FleetModel
import UnitFile

extension UnitPattern {
    func matches(_ name: UnitName) -> Bool { matches(name.description) }
}
