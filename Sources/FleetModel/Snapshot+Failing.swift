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
            guard case .retry = record.verdict else { return true }
            let copies: [UnitStatus] =
                switch scope {
                case .fleet: Array(statuses.values)
                case .machine(let machine): statuses[machine].map { [$0] } ?? []
                }
            return !copies.contains { ($0.run?.attempt ?? 0) >= record.count }
        }
    }
}
