package import UnitFile

/// Which units the fleet knows to have failed: asked by the use cases (`start` tries a failed unit again) and by the
/// listings, and the same for both.
extension Snapshot {
    /// True when the newest thing known of some machine's copy is that it failed: its run failed, or the unit was given
    /// up, or waits to be tried again.
    package func isFailing(_ unit: UnitName) -> Bool {
        (statuses[unit] ?? [:]).values.contains { $0.failure != nil } || !pendingFailures(of: unit).isEmpty
    }

    /// The failure records whose verdict still stands: given up, or to be tried again and nobody reports on that try
    /// yet. The record of a unit that came back stays, as a memory, and is not among them.
    package func pendingFailures(of unit: UnitName) -> [FailureScope: FailureRecord] {
        let statuses = statuses[unit] ?? [:]
        return (failures[unit] ?? [:]).filter { scope, record in
            // One that failed where it should have been handed over to, and runs on where it was.
            if scope == .fleet, hasCopy(of: unit, beside: record) { return false }
            guard case .retry = record.verdict else { return true }
            let copies: [UnitStatus] =
                switch scope {
                case .fleet: Array(statuses.values)
                case .machine(let machine): statuses[machine].map { [$0] } ?? []
                }
            return !copies.contains { ($0.run?.attempt ?? 0) >= record.count }
        }
    }

    /// Whether a machine has a sound copy, under the generation of the record's newest failure, that is none of the
    /// runs that failed.
    private func hasCopy(of unit: UnitName, beside record: FailureRecord) -> Bool {
        (statuses[unit] ?? [:]).contains { machine, status in
            guard let run = status.run, status.failure == nil, status.active == "active",
                run.generation == record.recent.last?.run.generation, assignments[unit]?[machine]?.run == run
            else { return false }
            return !record.recent.contains { $0.machine == machine && $0.run == run }
        }
    }
}
