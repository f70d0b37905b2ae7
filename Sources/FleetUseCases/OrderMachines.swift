import FleetModel
import FleetRegistry

/// What an operator orders of machines.
package enum MachineOrder: Hashable, Sendable {
    /// Take no newcomer. Ordered of a machine that is drained it changes the reason only.
    case cordon(reason: String?)
    /// Take units again; ends a drain too.
    case uncordon
    /// Let the units go, those that are left after `deadline` without waiting for anything.
    case drain(deadline: Duration?)
    /// Do not list it any more, and drop its labels, its orders, and what it had of volumes and images. Refused of a
    /// machine that is present or has units.
    case forget
}

extension ChangePlanner {
    /// One transaction's part per machine. A machine that is lost can be ordered about: the order waits for it.
    mutating func order(_ order: MachineOrder, _ machines: [MachineID]) throws(UseCaseError) {
        for machine in Set(machines).sorted() {
            if order == .forget {
                try forget(machine)
                continue
            }
            let old = snapshot.machines[machine]?.orders ?? MachineOrders()
            let new = Self.orders(after: order, old, by: user)
            guard new != old else {
                machineEffects[machine] = .unchanged
                continue
            }
            let key = RegistryKey.orders(machine)
            var writes = Writes()
            writes.compares = [compare(key, with: snapshot.orderRevisions[machine])]
            writes.operations = [new.isEmpty ? .delete(.key(key.key(in: keyspace))) : put(key, new)]
            write(writes)
            machineEffects[machine] = .changed
        }
    }

    private mutating func forget(_ machine: MachineID) throws(UseCaseError) {
        let name = snapshot.machines[machine]?.hostname ?? machine.short
        guard snapshot.machines[machine]?.presence == nil else {
            throw UseCaseError(.conflict, nil, "\(name) is present; 'fleetctl drain \(name)' lets its units leave")
        }
        if let unit = snapshot.unitsByMachine[machine]?.min() {
            throw UseCaseError(
                .conflict,
                unit,
                "\(name) has \(unit) still: 'fleetctl why \(unit)' says what keeps it there"
            )
        }
        var writes = Writes()
        writes.compares = [
            .absent(RegistryKey.presence(machine).key(in: keyspace)),
            compare(.labels(machine), with: snapshot.labelRevisions[machine]),
            compare(.orders(machine), with: snapshot.orderRevisions[machine]),
        ]
        let keys: [RegistryKey] = [
            .known(machine), .labels(machine), .orders(machine), .inventory(machine), .images(machine),
        ]
        writes.operations = keys.map { .delete(.key($0.key(in: keyspace))) }
        write(writes)
        machineEffects[machine] = .changed
    }

    /// The same order again is no change, so that its time stays that of the first; another deadline or reason is one.
    private static func orders(after order: MachineOrder, _ old: MachineOrders, by user: Provenance) -> MachineOrders {
        var new = old
        switch order {
        case .uncordon, .forget: return MachineOrders()
        case .cordon(let reason):
            if let cordon = old.cordoned {
                if let reason { new.cordoned?.reason = reason }
                if new.cordoned != cordon { new.cordoned?.set.by = user.by }
            } else {
                new.cordoned = MachineOrders.Cordon(set: user, reason: reason)
            }
        case .drain(let wait):
            let deadline = wait.map { user.at.advanced(by: $0) }
            if let drain = old.draining {
                guard deadline != nil else { return old }
                new.draining = MachineOrders.Drain(
                    set: Provenance(at: drain.set.at, by: user.by),
                    deadline: deadline
                )
            } else {
                new.draining = MachineOrders.Drain(set: user, deadline: deadline)
            }
        }
        return new
    }
}
