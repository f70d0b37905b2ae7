import FleetModel
import UnitFile

/// Data on the machines' disks: what a unit has written is where it goes on.
extension WorldChecks {
    /// A unit that is assigned to the machine begins a run there.
    func checkData(of unit: SimUnit, on machine: Int) {
        guard assignments[unit.name]?[machine] != nil, let volume = unit.spec.volume,
            let home = written[volume], home != machine, released[volume]?.contains(machine) != true
        else { return }
        world.find(.dataLeft, "\(unit.name) is started on m\(machine), and its data in \(volume) are on m\(home)")
    }

    /// What a copy writes that is only left over counts for nothing.
    func wrote(_ volume: VolumeName, by unit: UnitName, on machine: Int) {
        guard assignments[unit]?[machine] != nil else { return }
        written[volume] = machine
        released[volume]?.remove(machine)
    }

    /// A user gives up the data for a unit's move to this machine.
    func release(_ unit: UnitName, to machine: Int) {
        guard let file = files[unit], let volume = world.specs[file]?.volume else { return }
        released[volume, default: []].insert(machine)
    }
}
