import FleetModel
import UnitFile

/// Data on the machines' disks: what a unit has written is where it goes on.
extension WorldChecks {
    /// A unit that is assigned to the machine begins a run there.
    func checkData(of unit: SimUnit, on machine: Int) {
        guard assignments[unit.name]?[machine] != nil, let volume = unit.spec.volume, let home = written[volume],
            home != machine
        else { return }
        if released[volume]?.contains(machine) == true {
            // Given up, and not to be found again.
            written[volume] = nil
            return
        }
        world.find(.dataLeft, "\(unit.name) is started on m\(machine), and its data in \(volume) are on m\(home)")
    }

    /// What a copy writes that is only left over counts for nothing, and so does what will be left behind.
    func wrote(_ volume: VolumeName, by unit: UnitName, on machine: Int) {
        guard assignments[unit]?[machine] != nil, spec(of: unit)?.volume == volume else { return }
        written[volume] = machine
        released[volume]?.remove(machine)
    }

    /// Who has a file now that leaves its data behind may begin anywhere when it keeps to them again, unless others
    /// keep to them.
    func noteWhoLosesData() {
        let specs = files.keys.compactMap { spec(of: $0) }
        let kept = Set(specs.compactMap(\.volume))
        for volume in specs.compactMap(\.namedVolume) where !kept.contains(volume) { written[volume] = nil }
    }

    private func spec(of unit: UnitName) -> UnitSpec? { files[unit].flatMap { world.specs[$0] } }

    /// A user gives up the data for a unit's move to this machine.
    func release(_ unit: UnitName, to machine: Int) {
        guard let file = files[unit], let volume = world.specs[file]?.volume else { return }
        released[volume, default: []].insert(machine)
    }
}
