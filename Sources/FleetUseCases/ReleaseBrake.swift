import FleetModel
import FleetRegistry

extension ChangePlanner {
    /// Lets the units of the machines that are lost by now move. Machines that are lost later are not released.
    mutating func releaseBrake() throws(UseCaseError) {
        guard var brake = snapshot.brake, brake.since != nil else {
            throw UseCaseError(.conflict, nil, "the brake is not on: units of lost machines are moved as usual")
        }
        brake.released = brake.lost.keys.sorted()
        var writes = Writes()
        writes.compares = [compare(.brake, with: snapshot.brakeRevision)]
        writes.operations = [put(.brake, brake)]
        write(writes)
        for machine in brake.released { machineEffects[machine] = .changed }
    }
}
