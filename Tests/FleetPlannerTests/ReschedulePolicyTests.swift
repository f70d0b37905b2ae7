import FleetModel
import FleetPlanner
import Testing
import UnitFile

@Suite struct ReschedulePolicyTests {
    private let web = unit("web.service")
    private let start = Timestamp(milliseconds: 1_800_000_000_000)

    private func failed(_ attempt: Int, generation: Generation = 1, on digit: Character = "a") -> FailedRun {
        FailedRun(
            machine: machine(digit),
            run: RunID(generation: generation, attempt: attempt),
            failure: UnitFailure(cause: .exitCode, message: "exited", at: Timestamp(milliseconds: 0))
        )
    }

    private func policy(_ change: (inout ReschedulePolicy) -> Void = { _ in }) -> ReschedulePolicy {
        var policy = ReschedulePolicy()
        change(&policy)
        return policy
    }

    /// Fails one run after the other, each as soon as it is tried, and returns the waits, until it is given up.
    private func waits(_ policy: ReschedulePolicy, failures: Int, runsFor life: Duration = .zero) -> [Int64] {
        var record: FailureRecord?
        var now = start
        var waits: [Int64] = []
        for attempt in 0..<failures {
            now = now.advanced(by: life)
            let next = policy.record(failed(attempt), of: web, after: record, now: now)
            record = next
            guard case .retry(let at) = next.verdict else { return waits + [-1] }
            waits.append(at.since(now).milliseconds)
            now = at
        }
        return waits
    }

    @Test func defaults() {
        #expect(waits(policy(), failures: 10) == [0, 5000, 10000, 20000, -1])
    }

    @Test(arguments: [
        (1, 0), (2, 5), (3, 10), (4, 20), (5, 40), (6, 80), (7, 160), (8, 300), (9, 300), (1000, 300),
    ])
    func waitDoublesUpToTheMaximum(retry: Int, seconds: Int) {
        #expect(ReschedulePolicy().wait(beforeRetry: retry) == .seconds(seconds))
    }

    @Test func edgesOfTheWait() {
        #expect(policy { $0.delay = .zero }.wait(beforeRetry: 50) == .zero)
        #expect(policy { $0.delay = .seconds(600) }.wait(beforeRetry: 2) == .seconds(300), "never above the maximum")
        #expect(policy { $0.maximumDelay = .zero }.wait(beforeRetry: 9) == .zero)
    }

    @Test func withoutALimitItIsNeverGivenUp() {
        let policy = policy { $0.limit = 0 }
        let waits = waits(policy, failures: 200)
        #expect(waits.count == 200)
        #expect(waits.suffix(190).allSatisfy { $0 == 300_000 })
    }

    @Test func aLimitOfOneGivesUpAtOnce() {
        #expect(waits(policy { $0.limit = 1 }, failures: 3) == [-1])
    }

    @Test func failuresFarApartDoNotAddUp() {
        #expect(waits(policy(), failures: 20, runsFor: .seconds(3601)) == Array(repeating: 0, count: 20))
    }

    /// A short interval must not turn a limit of failures into a hot loop.
    @Test func aShortIntervalStillWaits() {
        let policy = policy { $0.limitInterval = .seconds(1) }
        #expect(waits(policy, failures: 6, runsFor: .seconds(2)) == [0, 5000, 10000, 20000, 40000, 80000])
    }

    @Test func aLimitAboveWhatIsKept() {
        let policy = policy {
            $0.limit = 20
            $0.maximumDelay = .seconds(1)
            $0.delay = .seconds(1)
        }
        let waits = waits(policy, failures: 40)
        #expect(waits.count == 20)
        #expect(waits.last == -1)
    }

    @Test(arguments: [ReschedulePolicy.Trigger.never, .onMachineLoss]) func otherTriggers(
        trigger: ReschedulePolicy.Trigger
    ) {
        let record = policy { $0.trigger = trigger }.record(failed(0), of: web, after: nil, now: start)
        let again = "'fleetctl reset-failed web.service' or 'fleetctl start web.service' tries again"
        #expect(
            record.verdict == .givenUp(reason: "not tried again because of Reschedule=\(trigger.rawValue); \(again)")
        )
        #expect(record.count == 1, "it is recorded all the same")
    }

    @Test func theReasonSaysHowToGoOn() {
        let record = policy { $0.limit = 1 }.record(failed(0), of: web, after: nil, now: start)
        #expect(
            record.verdict.description
                == "given up: failed once within 1h; 'fleetctl reset-failed web.service' or 'fleetctl start web.service' "
                + "tries again"
        )
    }

    @Test func onlyTheNewestAreKeptAndAllAreCounted() {
        var record: FailureRecord?
        for attempt in 0..<40 {
            record = policy { $0.limit = 0 }.record(failed(attempt), of: web, after: record, now: start)
        }
        #expect(record?.recent.count == Limits.recentFailures)
        #expect(record?.count == 40)
        #expect(record?.recent.last?.run.attempt == 39)
    }

    @Test func aNewGenerationCountsAnewAndKeepsTheHistory() {
        let policy = policy()
        var record = policy.record(failed(0), of: web, after: nil, now: start)
        for attempt in 1..<4 { record = policy.record(failed(attempt), of: web, after: record, now: start) }
        #expect(record.count == 4)
        let next = policy.record(failed(0, generation: 2), of: web, after: record, now: start)
        #expect(next.count == 1)
        #expect(next.recent.count == 5)
        #expect(next.verdict == .retry(at: start))
    }

    /// An attempt never falls, whatever became of the record.
    @Test func aLostRecordDoesNotLowerTheAttempt() {
        #expect(policy().record(failed(7), of: web, after: nil, now: start).count == 8)
    }

    @Test func oneClockMeasures() {
        let record = policy().record(failed(0), of: web, after: nil, now: start)
        #expect(record.recent.last?.failure.at == start)
    }

    @Test func whatIsNews() throws {
        let record = policy().record(failed(3, generation: 5), of: web, after: nil, now: start)
        let covered = [(5, 3, true), (5, 4, false), (4, 9, true), (6, 0, false)]
        let machine = try #require(record.recent.last?.machine)
        for (generation, attempt, expected) in covered {
            let run = RunID(generation: Generation(generation), attempt: attempt)
            #expect(record.covers(run, on: machine) == expected)
        }
        // A unit that is handed over has one run on two machines.
        #expect(!record.covers(RunID(generation: 5, attempt: 3), on: FleetPlannerTests.machine("9")))
        #expect(record.isCurrent(at: 5))
        #expect(!record.isCurrent(at: 6))
    }

    @Test(arguments: [
        (0, "0s"), (1, "1ms"), (1500, "1500ms"), (2000, "2s"), (90_000, "90s"), (120_000, "2min"), (3_600_000, "1h"),
        (86_400_000, "1d"),
    ])
    func durationsInWords(milliseconds: Int, expected: String) {
        #expect(Duration.milliseconds(milliseconds).words == expected)
    }
}
