import FleetModel
import FleetRegistry

extension ChangePlanner {
    /// Applies the changes in their order, one transaction's part per machine. Machines that were never seen can be
    /// labelled too: their labels wait for them.
    mutating func label(_ changes: [LabelChange]) {
        var byMachine: [MachineID: [LabelChange]] = [:]
        for change in changes { byMachine[change.machine, default: []].append(change) }
        for (machine, changes) in byMachine.sorted(by: { $0.key < $1.key }) { label(machine, changes) }
    }

    private mutating func label(_ machine: MachineID, _ changes: [LabelChange]) {
        let known = snapshot.machines[machine]
        let old = known?.labels ?? [:]
        var labels = old
        for change in changes {
            switch change.operation {
            case .set(let value):
                labels.updateValue(value, forKey: change.key)
            case .remove:
                // A key of the machine's own configuration has to be hidden. An absent machine may have it there.
                let isConfigured = known?.presence.map { $0.metadata[change.key] != nil } ?? true
                if isConfigured {
                    labels.updateValue(nil, forKey: change.key)
                } else {
                    labels.removeValue(forKey: change.key)
                }
            }
        }
        guard labels != old else { return }
        var writes = Writes()
        writes.compares = [compare(.labels(machine), with: snapshot.labelRevisions[machine])]
        let key = RegistryKey.labels(machine)
        writes.operations = [
            labels.isEmpty ? .delete(.key(key.key(in: keyspace))) : put(key, MachineLabels(labels: labels))
        ]
        write(writes)
    }
}
