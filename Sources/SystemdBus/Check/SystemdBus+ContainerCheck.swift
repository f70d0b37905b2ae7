import FleetAgent
import UnitFile

extension SystemdBus {
    /// Of these units, which have ended: those whose containers podman has ended as unhealthy.
    func verdicts(
        on units: [UnitName],
        _ values: [PropertyID: BusValue]
    ) async -> [UnitName: PodmanVerdict] {
        var begins: [UnitName: UInt64] = [:]
        for unit in units where ours[unit]?.isEndedByCheck == true {
            let interface = Self.interface(of: unit.type)
            let begin = PropertyID(unit: unit, interface: interface, name: ContainerCheck.beginProperty)
            guard let time = values[begin]?.number, time > 0 else { continue }
            begins[unit] = UInt64(time)
        }
        return await journalSource.verdicts(on: begins)
    }
}
