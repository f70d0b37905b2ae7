import FleetModel
import UnitFile

extension ChangePlanner {
    /// A launched unit is stopped and started where it is, on every machine that has it; a loaded one is started.
    mutating func restart(_ name: UnitName) {
        guard let unit = stored(name) else { return }
        switch unit.target.state {
        case .inactive:
            refuse(name, .conflict, "Unable to restart unit \(name) in state inactive")
        case .loaded:
            setTarget(of: name, to: .launched)
        case .launched:
            writeTarget(of: unit, .launched, restart: true, .restart, "restart asked for")
        }
    }
}
