package import FleetModel

/// The leases that a machine has had since it booted, as far as anything may still hang on them; the newest last.
///
/// A machine id is no proof of who somebody is: a virtual machine that was copied has it, too. A lease is one, because
/// the registry gives each to one asker only. So what hangs on a lease that is not among these is another machine's,
/// whatever id it names. After a boot there are none: what the machine left then ends with its lease.
package struct OwnLeases: Hashable, Sendable {
    package private(set) var ids: [LeaseID] = []

    /// A machine has one lease at a time, and a former one lives for less than its time to live: more than a few are
    /// never in use.
    private static let most = 8

    package init() {}

    package mutating func add(_ lease: LeaseID) {
        ids.removeAll { $0 == lease }
        ids.append(lease)
        if ids.count > Self.most { ids.removeFirst() }
    }

    package func contains(_ lease: LeaseID) -> Bool { ids.contains(lease) }

    /// The one that the machine's keys belong on.
    package var newest: LeaseID? { ids.last }

    /// True when `entry` is on a lease that another machine has. What hangs on none was written by a person.
    package func areNot(of entry: StoredEntry?) -> Bool {
        guard let lease = entry?.lease else { return false }
        return !contains(lease)
    }
}

extension Transaction {
    /// Puts a machine's presence on `lease` if what was seen, `entry`, is what there is, and what is to be known of the
    /// machine when it is lost.
    package static func presence(
        _ presence: MachinePresence,
        of machine: MachineID,
        _ keyspace: Keyspace,
        _ lease: LeaseID,
        replacing entry: StoredEntry?
    ) -> Transaction {
        let key = RegistryKey.presence(machine).key(in: keyspace)
        let known = RegistryValue.encode(KnownMachine(presence))
        return Transaction(
            compares: [.unchanged(key, since: entry?.modified)],
            operations: [
                .put(key, RegistryValue.encode(presence), lease: lease),
                .put(RegistryKey.known(machine).key(in: keyspace), known, lease: nil),
            ]
        )
    }
}

extension OwnLeases {
    /// As text, for a file: a number in each line. What is no number is left out.
    package init(text: String) {
        for line in text.split(separator: "\n") {
            if let number = Int64(line) { add(LeaseID(number)) }
        }
    }

    package var text: String { ids.map { "\($0.number)\n" }.joined() }
}
