package import FleetModel
package import UnitFile

extension ReschedulePolicy {
    /// A unit that failed for good on so many machines is bad itself: no more are bothered with it, though its limit is
    /// not reached. Two may be a coincidence of bad machines; `RescheduleLimit=0` asks never to give up, and is heard.
    package static let machinesOfABadUnit = 3

    /// The record after one more failure for good, with the verdict. Pure; whether the failure is news is the caller's
    /// question (`FailureRecord.covers`).
    ///
    /// Failures count while they are younger than an interval. For the limit that is `RescheduleLimitIntervalSec=`. For
    /// the wait it is at least twice `RescheduleMaxDelaySec=`, so that waiting never makes a failure old and a short
    /// interval never makes a hot loop (promise P2).
    ///
    /// The stored failure carries `now`: one clock, the leader's, then measures all intervals of a record.
    package func record(
        _ failed: FailedRun,
        of unit: UnitName,
        after record: FailureRecord?,
        now: Timestamp
    ) -> FailureRecord {
        var failed = failed
        failed.failure.at = now
        let earlier = record.flatMap { $0.isCurrent(at: failed.run.generation) ? $0.count : nil } ?? 0
        let recent = Array(((record?.recent ?? []) + [failed]).suffix(Limits.recentFailures))
        var next = FailureRecord(
            recent: recent,
            count: max(earlier, failed.run.attempt) + 1,
            verdict: .retry(at: now)
        )
        next.verdict = verdict(of: next, generation: failed.run.generation, unit: unit, now: now)
        return next
    }

    /// How long the `retry`-th retry waits: the first not at all, the second `delay`, each further one twice as long.
    package func wait(beforeRetry retry: Int) -> Duration {
        guard retry > 1 else { return .zero }
        var wait = min(delay, maximumDelay)
        for _ in 2..<max(retry, 2) {
            guard wait > .zero, maximumDelay > wait else { break }
            wait = min(wait * 2, maximumDelay)
        }
        return wait
    }

    private func verdict(
        of record: FailureRecord,
        generation: Generation,
        unit: UnitName,
        now: Timestamp
    ) -> RescheduleVerdict {
        let again = "'fleetctl reset-failed \(unit)' or 'fleetctl start \(unit)' tries again"
        switch trigger {
        case .onFailure: break
        case .onMachineLoss, .never:
            return .givenUp(reason: "not tried again because of Reschedule=\(trigger.rawValue); \(again)")
        }
        let failures = record.failures(of: generation, within: limitInterval, now: now)
        if limit > 0, failures >= limit {
            let times = failures == 1 ? "once" : "\(failures) times"
            return .givenUp(reason: "failed \(times) within \(limitInterval.words); \(again)")
        }
        let machines = record.machines(of: generation, within: limitInterval, now: now)
        if limit > 0, machines >= Self.machinesOfABadUnit {
            return .givenUp(reason: "failed on \(machines) machines within \(limitInterval.words); \(again)")
        }
        let remembered = max(limitInterval, maximumDelay * 2)
        let retry = record.failures(of: generation, within: remembered, now: now)
        return .retry(at: now.advanced(by: wait(beforeRetry: retry)))
    }
}

extension FailureRecord {
    /// False once a user has asked for the unit again after the newest failure: the record then is history only.
    package func isCurrent(at generation: Generation) -> Bool {
        recent.last?.run.generation == generation
    }

    /// Whether the failure of `run` on this machine was recorded before: a status that is seen again, or by the next
    /// leader, is no news. The machine matters because a unit that is handed over has one run on two machines.
    package func covers(_ run: RunID, on machine: MachineID) -> Bool {
        guard let newest = recent.last?.run, newest.generation >= run.generation else { return false }
        return newest.generation > run.generation || recent.contains { $0.machine == machine && $0.run == run }
    }

    /// How many failures of `generation` are younger than `interval`. `recent` is bounded; when all of it counts, all
    /// failures of the generation do, which can only give up earlier than asked.
    func failures(of generation: Generation, within interval: Duration, now: Timestamp) -> Int {
        let counted = recent.filter { $0.run.generation == generation && now.since($0.failure.at) < interval }
        return counted.count == Limits.recentFailures ? max(count, counted.count) : counted.count
    }

    /// On how many machines the unit failed since a user asked for it, within `interval`.
    func machines(of generation: Generation, within interval: Duration, now: Timestamp) -> Int {
        Set(recent.filter { $0.run.generation == generation && now.since($0.failure.at) < interval }.map(\.machine))
            .count
    }

    /// How often the unit failed on `machine` since a user asked for it, as far as `interval` remembers.
    func failures(on machine: MachineID, generation: Generation, within interval: Duration, now: Timestamp) -> Int {
        recent.filter {
            $0.machine == machine && $0.run.generation == generation && now.since($0.failure.at) < interval
        }.count
    }
}

extension Duration {
    /// `1h`, `90s`, `2min`, `1500ms`: the largest unit of systemd.time(7) that is whole.
    package var words: String {
        let milliseconds = milliseconds
        for (unit, size) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("min", 60_000), ("s", 1000)]
        where milliseconds >= size && milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}
