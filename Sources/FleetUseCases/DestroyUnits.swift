import FleetModel
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// Removes all that users and the fleet stored about a unit, also of one that cannot be read. The engine takes its
    /// assignments away when it sees that the unit is gone, and the agents stop and remove it then.
    mutating func destroy(_ name: UnitName) {
        guard snapshot.unitRevisions[name] != nil || snapshot.targetRevisions[name] != nil else {
            return refuse(name, .notFound, "unit \(name) does not exist")
        }
        var writes = Writes(unit: name, compares: isUnchanged(name))
        writes.operations = [
            .delete(.key(RegistryKey.unit(name).key(in: keyspace))),
            .delete(.key(RegistryKey.target(name).key(in: keyspace))),
            .delete(.key(RegistryKey.move(name).key(in: keyspace))),
            forgetFailures(of: name),
            .delete(keyspace.events(of: name)),
        ]
        writes.dropped = fileInUse(by: name)
        write(writes)
        effects[name] = .destroyed
    }
}
