package import FleetModel
package import FleetRegistry
package import UnitFile

// How locks are written and read: once, for the service and for the simulator.

extension Transaction {
    /// See `LockDirective.put`.
    package static func lock(
        _ unit: UnitName,
        _ keyspace: Keyspace,
        _ machine: MachineID,
        _ now: Timestamp,
        _ lease: LeaseID,
        _ timing: FenceTiming?,
        _ lock: Revision?,
        _ holder: Revision?
    ) -> Transaction {
        let left = UnitLockHolder(machine: machine, lease: lease.number, delay: timing?.lockDelay)
        return ifUnchanged(unit, keyspace, lock, holder) { key, holderKey in
            [
                .put(key, RegistryValue.encode(UnitLock(machine: machine, at: now)), lease: lease),
                .put(holderKey, RegistryValue.encode(left), lease: nil),
            ]
        }
    }

    /// See `LockDirective.delete`.
    package static func unlock(
        _ unit: UnitName,
        _ keyspace: Keyspace,
        _ lock: Revision?,
        _ holder: Revision?
    ) -> Transaction {
        ifUnchanged(unit, keyspace, lock, holder) { key, holderKey in
            [.delete(.key(key)), .delete(.key(holderKey))]
        }
    }

    /// A lock and its holder change together, and only from what was seen of both.
    private static func ifUnchanged(
        _ unit: UnitName,
        _ keyspace: Keyspace,
        _ lock: Revision?,
        _ holder: Revision?,
        _ operations: (_ lock: Key, _ holder: Key) -> [StoreOperation]
    ) -> Transaction {
        let key = RegistryKey.lock(unit).key(in: keyspace)
        let holderKey = RegistryKey.lockHolder(unit).key(in: keyspace)
        return Transaction(
            compares: [.unchanged(key, since: lock), .unchanged(holderKey, since: holder)],
            operations: operations(key, holderKey)
        )
    }
}

extension Keyspace {
    /// A unit's lock and its holder.
    package func lock(of unit: UnitName) -> KeyRange {
        let lock = RegistryKey.lock(unit).key(in: self)
        return KeyRange(start: lock, end: KeyRange.key(RegistryKey.lockHolder(unit).key(in: self)).end)
    }
}

extension LockInput {
    /// What `Keyspace.lock(of:)` holds. A lock that cannot be read is somebody's all the same.
    package static func found(_ unit: UnitName, _ entries: [StoredEntry], _ keyspace: Keyspace) -> LockInput {
        var (lock, holder): (StoredLock?, StoredHolder?)
        for entry in entries {
            switch RegistryKey(entry.key, in: keyspace) {
            case .lock(unit):
                let machine = (try? RegistryValue.decode(UnitLock.self, from: entry.value))?.machine
                lock = StoredLock(machine: machine ?? .nobody, lease: entry.lease, modified: entry.modified)
            case .lockHolder(unit):
                let left = try? RegistryValue.decode(UnitLockHolder.self, from: entry.value)
                holder = StoredHolder(
                    machine: left?.machine ?? .nobody,
                    lease: left?.lease.map(LeaseID.init),
                    delay: .milliseconds(left?.delayMilliseconds ?? 0),
                    modified: entry.modified
                )
            // Between the two may be those of a unit with a longer name.
            default: continue
            }
        }
        return .found(unit, lock: lock, holder: holder)
    }

    /// The unit that a key of `Keyspace.locks` is about.
    package static func unit(of key: Key, _ keyspace: Keyspace) -> UnitName? {
        switch RegistryKey(key, in: keyspace) {
        case .lock(let unit), .lockHolder(let unit): unit
        default: nil
        }
    }
}
