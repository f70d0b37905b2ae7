import FleetModel
import FleetRegistry

extension ChangePlanner {
    /// Removes the record of where volumes are; what is on the machines stays there. A unit that uses one of them may
    /// then be placed anywhere, so none may be placed now.
    mutating func forget(_ volumes: [VolumeName]) throws(UseCaseError) {
        let users = snapshot.unitsByVolume()
        for volume in Set(volumes).sorted() {
            guard snapshot.volumeHomes[volume] != nil || snapshot.volumeRevisions[volume] != nil else {
                throw UseCaseError(.notFound, nil, "no home of a volume \(volume) is known; see 'fleetctl volumes'")
            }
            if let user = (users[volume] ?? []).first(where: { snapshot.assignments[$0] != nil }) {
                throw UseCaseError(
                    .conflict,
                    user,
                    "\(user) uses \(volume): unload it first, or move it with --lose-volumes"
                )
            }
            var writes = Writes()
            writes.compares = [compare(.volume(volume), with: snapshot.volumeRevisions[volume])]
            writes.operations = [.delete(.key(RegistryKey.volume(volume).key(in: keyspace)))]
            write(writes)
        }
    }
}
