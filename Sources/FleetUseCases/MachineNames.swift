package import FleetModel

/// Which machines people mean: by whole id, by the first digits of one, or by host name. All names are looked up before
/// anything is written, so a slip in the last of them changes nothing.
package enum MachineNames {
    /// Fewer digits than these are taken for a slip, not for an id.
    package static let shortestPrefix = 4

    /// Throws for the first name that means no machine, or several.
    package static func resolve(_ names: [String], in snapshot: Snapshot) throws(UseCaseError) -> [MachineID] {
        var machines: [MachineID] = []
        for name in names {
            let machine = try resolve(name, in: snapshot)
            if !machines.contains(machine) { machines.append(machine) }
        }
        return machines
    }

    /// A whole id, then a host name, then the beginning of an id: a host may be called `cafe`.
    package static func resolve(_ name: String, in snapshot: Snapshot) throws(UseCaseError) -> MachineID {
        // One that left in good order is known by the volumes that it has, and can be forgotten with them.
        let known = Set(snapshot.machines.keys).union(snapshot.unitsByMachine.keys).union(snapshot.inventories.keys)
            .sorted()
        if let id = MachineID(name), known.contains(id) { return id }
        let hosts = known.filter { snapshot.machines[$0]?.hostname == name }
        if hosts.count == 1 { return hosts[0] }
        guard hosts.isEmpty else { throw ambiguous(name, hosts, "is the host name of") }
        let isPrefix = name.utf8.count >= shortestPrefix
        let matches = isPrefix ? known.filter { $0.description.hasPrefix(name) } : []
        if matches.count == 1 { return matches[0] }
        guard matches.isEmpty else { throw ambiguous(name, matches, "is how the ids of") }
        let advice = "name it by id, by at least \(shortestPrefix) first digits of it, or by host name"
        throw UseCaseError(.notFound, nil, "no machine \"\(name)\" is known: \(advice); see 'fleetctl list-machines'")
    }

    private static func ambiguous(_ name: String, _ machines: [MachineID], _ verb: String) -> UseCaseError {
        let listed = machines.prefix(3).map(\.description).joined(separator: ", ")
        let rest = machines.count > 3 ? " and \(machines.count - 3) more" : ""
        let end = verb.hasSuffix("ids of") ? " begin" : ""
        return UseCaseError(.invalid, nil, "\"\(name)\" \(verb) \(listed)\(rest)\(end): name the machine by its id")
    }
}
