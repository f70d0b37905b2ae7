import FleetModel

/// When a unit is tried again.
struct RetryTime: Hashable, Sendable {
    let at: Timestamp
    /// No wait of this unit is longer: one that looks longer was begun by another clock, or before this one was set
    /// back, and must not last until that clock's time.
    let longest: Duration

    func isDue(_ now: Timestamp) -> Bool { at <= now || at.since(now) > longest }
}

/// What a unit's failure record says about its next run, on one machine for a global unit.
///
/// Follows from stored state alone (record, generation, attempt of the assignment), so that any leader at any time
/// comes to the same answer.
enum Hold: Equatable, Sendable {
    /// Nothing has failed since a user last asked, or the newest failure was answered by the present assignment.
    case none
    /// The time of the retry has come.
    case due
    case waiting(until: Timestamp)
    case givenUp(String)

    /// `attempt` is that of the present assignment, if it is of the unit's generation.
    /// `longest` is `RescheduleMaxDelaySec=`.
    init(_ record: FailureRecord?, generation: Generation, attempt: Int?, longest: Duration, now: Timestamp) {
        guard let record, record.isCurrent(at: generation) else {
            self = .none
            return
        }
        switch record.verdict {
        case .givenUp(let reason): self = .givenUp(reason)
        case .retry(let at):
            if let attempt, attempt >= record.count {
                self = .none
            } else {
                self = RetryTime(at: at, longest: longest).isDue(now) ? .due : .waiting(until: at)
            }
        }
    }

    /// When the unit will be tried again, past times included.
    static func retryTimes(of unit: Unit, in snapshot: Snapshot) -> [RetryTime] {
        guard let records = snapshot.failures[unit.name] else { return [] }
        let attempts = (snapshot.assignments[unit.name] ?? [:])
            .filter { $0.value.generation == unit.generation }.mapValues(\.attempt)
        return retryTimes(of: unit, records: records, attempts: attempts)
    }

    static func retryTimes(
        of unit: Unit,
        records: [FailureScope: FailureRecord],
        attempts: [MachineID: Int]
    ) -> [RetryTime] {
        guard unit.target.state > .inactive else { return [] }
        let times = records.compactMap { scope, record -> Timestamp? in
            guard case .retry(let at) = record.verdict, record.isCurrent(at: unit.generation) else { return nil }
            let attempt: Int?
            switch scope {
            case .fleet where !unit.options.isGlobal: attempt = attempts.values.max()
            case .machine(let machine) where unit.options.isGlobal: attempt = attempts[machine]
            case .fleet, .machine: return nil
            }
            return (attempt ?? -1) < record.count ? at : nil
        }
        return times.sorted().map { RetryTime(at: $0, longest: unit.options.reschedule.maximumDelay) }
    }
}
