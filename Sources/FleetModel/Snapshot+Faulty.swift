/// Machines on which unit after unit fails: the machine is then the likelier culprit. They stay eligible, behind all
/// others; docs/fleetd.md tells operators.
package enum FaultyMachine {
    /// So many units have to have failed for good on a machine, and nowhere else. SwarmKit calls a machine faulty after
    /// as many failures of one service in the same time.
    package static let units = 5
    /// Failures older than this are forgiven.
    package static let window = Duration.seconds(300)
}

extension Snapshot {
    /// The faulty machines, each with the number of units that have failed there. A unit that has failed on several
    /// machines says nothing about any of them.
    package func faultyMachines(now: Timestamp) -> [MachineID: Int] {
        var counts: [MachineID: Int] = [:]
        for records in failures.values {
            var places: Set<MachineID> = []
            for record in records.values {
                for failed in record.recent.reversed() {
                    guard now.since(failed.failure.at) < FaultyMachine.window else { break }
                    places.insert(failed.machine)
                }
            }
            if places.count == 1, let place = places.first { counts[place, default: 0] += 1 }
        }
        return counts.filter { $0.value >= FaultyMachine.units }
    }
}
