import FleetModel
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// Removes all that users and the fleet stored about a unit, also of one that cannot be read. The engine takes its
    /// assignments away when it sees that the unit is gone, and the agents stop and remove it then.
    ///
    /// A Quadlet file that others name stays until they go, with it (`names`) or before: they could not be started
    /// anywhere any more.
    mutating func destroy(_ name: UnitName, among names: Set<UnitName>) {
        guard snapshot.unitRevisions[name] != nil || snapshot.targetRevisions[name] != nil else {
            return refuse(name, .notFound, "unit \(name) does not exist")
        }
        if let source = snapshot.units[name]?.intent.source {
            let users = snapshot.users(of: source).filter { $0 != name && !names.contains($0) }
            guard users.isEmpty else {
                let message =
                    "\(source) is needed by \(users.map(\.description).joined(separator: ", ")): destroy "
                    + (users.count == 1 ? "that unit" : "those units") + " first, or all in one command"
                return refuse(name, .conflict, message)
            }
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
