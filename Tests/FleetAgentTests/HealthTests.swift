import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// Health checks, from the first one to a run that is given back.
@Suite struct HealthTests {
    let web: UnitName = "web.service"

    static func check(_ change: (inout HealthCheck) -> Void = { _ in }) -> HealthCheck {
        var check = HealthCheck(probe: .command("check"))
        (check.interval, check.retries) = (.seconds(10), 3)
        change(&check)
        return check
    }

    static func launched(
        _ check: HealthCheck = check(),
        generation: Generation = 1,
        attempt: Int = 0
    ) -> Assignment {
        var assignment = Assignment.launched(generation: generation, attempt: attempt)
        assignment.health = check
        return assignment
    }

    /// A bench with the unit up, and its first check asked for.
    func up(_ assignment: Assignment = launched()) -> (Bench, [String]) {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment)
        _ = bench.end(web, as: .dead(assignment.file))
        let lines = bench.end(web, as: .running(assignment.file))
        return (bench, lines)
    }

    static let ok = CheckResult.healthy(output: "fine\n")
    static let bad = CheckResult.unhealthy(output: "exit status 1: no db\n")

    @Test func healthyIsToldOnce() {
        var (bench, lines) = up()
        #expect(
            lines == [
                "remember web.service 1.0 launched", "publish web.service active/running 1.0 settled starting",
                "event web.service started: started: active (running)", "check web.service",
            ]
        )
        #expect(
            bench.checked(web, Self.ok) == [
                "publish web.service active/running 1.0 settled healthy 'fine'", "wake in 10000 ms",
            ]
        )
        // From then on, nothing but checks.
        for _ in 0..<100 {
            #expect(bench.step(.wake, after: .seconds(10)) == ["check web.service"])
            #expect(bench.checked(web, .healthy(output: "fine, still")) == ["wake in 10000 ms"])
        }
    }

    @Test func whyThereIsNoAnswerYetIsToldNowAndThen() {
        var (bench, _) = up(Self.launched(Self.check { $0.startPeriod = .seconds(600) }))
        let lost = CheckResult.notRun(reason: "systemd could not run it (Result: resources)")
        #expect(
            bench.checked(web, lost).first
                == "publish web.service active/running 1.0 settled starting 'not checked: systemd could not run it (Result: resources)'"
        )
        #expect(
            bench.next(web, Self.bad).first
                == "publish web.service active/running 1.0 settled starting 'exit status 1: no db'"
        )
        let lines = (0..<14).flatMap { bench.next(web, $0 < 10 ? Self.bad : lost) }
        #expect(lines.filter { $0.hasPrefix("publish") }.count == 1)
        #expect(bench.next(web, Self.ok).first == "publish web.service active/running 1.0 settled healthy 'fine'")
        // What cannot be made later says nothing.
        #expect(bench.next(web, lost) == ["wake in 10000 ms"])
    }

    @Test func aCheckIsNotAwaitedOnceItsUnitIsDown() {
        var (bench, _) = up()
        let id = bench.checks[web] ?? 0
        #expect(bench.core.awaits(id, of: web))
        _ = bench.step(.observed(web, .dead()))
        #expect(!bench.core.awaits(id, of: web))
    }

    @Test func aWakeBeforeTheTimeChecksNothing() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        #expect(bench.step(.wake, after: .seconds(9)) == ["wake in 1000 ms"])
        #expect(bench.step(.observed(web, .running()), after: .milliseconds(999)).isEmpty)
        #expect(bench.step(.wake, after: .milliseconds(1)) == ["check web.service"])
        // None is asked for while one is under way, however long it takes.
        #expect(bench.step(.wake, after: .seconds(100)).isEmpty)
        #expect(bench.checked(web, Self.ok) == ["wake in 1000 ms"])
    }

    @Test func failuresAddUpAndOneSuccessForgetsThem() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        for _ in 0..<5 {
            var lines = bench.next(web, Self.bad)
            #expect(
                lines.first == "publish web.service active/running 1.0 settled failing 1/3 'exit status 1: no db'"
            )
            lines = bench.next(web, Self.bad)
            #expect(
                lines.first == "publish web.service active/running 1.0 settled failing 2/3 'exit status 1: no db'"
            )
            lines = bench.next(web, Self.ok)
            #expect(lines.first == "publish web.service active/running 1.0 settled healthy 'fine'")
        }
    }

    /// Out of two hundred failures eight are written.
    @Test func aLongRowOfFailuresCostsFewWrites() {
        var (bench, _) = up(Self.launched(Self.check { $0.retries = 1000 }))
        _ = bench.checked(web, Self.ok)
        let lines = (0..<200).flatMap { _ in bench.next(web, Self.bad) }
        #expect(lines.count { $0.hasPrefix("publish") } == 8)
    }

    @Test func unhealthyForGood() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        _ = bench.next(web, Self.bad)
        _ = bench.next(web, Self.bad)
        #expect(
            bench.next(web, Self.bad) == [
                "remember web.service 1.0 launched failed 1.0", "perform stop web.service",
            ]
        )
        let failure = "failed unhealthy: health check failed 3 times: exit status 1: no db"
        #expect(
            bench.end(web, as: .dead(fileA, "i1")) == [
                "publish web.service inactive/dead 1.0 \(failure)", "journal web.service 1.0 [i1]",
            ]
        )
        _ = bench.step(.journal(web, .first, lines: []))
        #expect(bench.step(.wake, after: .seconds(100)).isEmpty)
        #expect(bench.assign(web, Self.launched(attempt: 1)) == ["perform start web.service"])
        #expect(bench.end(web, as: .running(fileA, "i2")).contains("check web.service"))
    }

    @Test func oneFailureIsEnoughWhenAskedFor() {
        var (bench, _) = up(Self.launched(Self.check { $0.retries = 1 }))
        _ = bench.checked(web, Self.ok)
        _ = bench.next(web, .unhealthy(output: ""))
        let lines = bench.end(web, as: .dead())
        #expect(lines.first == "publish web.service inactive/dead 1.0 failed unhealthy: health check failed")
    }

    @Test func restartedFirst() {
        var (bench, _) = up(Self.launched(Self.check { $0.restartsFirst = true }))
        _ = bench.checked(web, Self.ok)
        _ = bench.next(web, Self.bad)
        _ = bench.next(web, Self.bad)
        #expect(
            bench.next(web, Self.bad) == [
                "remember web.service 1.0 launched healed 1.0",
                "event web.service failed: unhealthy: health check failed 3 times: exit status 1: no db; restarting it",
                "perform restart web.service",
            ]
        )
        let lines = bench.end(web, as: .running(fileA, "i2"))
        #expect(lines.contains("publish web.service active/running 1.0 settled starting"))
        #expect(lines.contains("event web.service started: restarted: active (running)"))
        _ = bench.checked(web, Self.ok)
        for _ in 0..<2 { _ = bench.next(web, Self.bad) }
        #expect(bench.next(web, Self.bad).last == "perform stop web.service")
    }

    /// One that is well for a good run's time after its restart may be restarted again.
    @Test func aGoodRunGivesTheRestartBack() {
        var (bench, _) = up(Self.launched(Self.check { $0.restartsFirst = true }))
        for round in 0..<3 {
            _ = bench.checked(web, Self.ok)
            for _ in 0..<6 { _ = bench.next(web, Self.ok) }
            for _ in 0..<2 { _ = bench.next(web, Self.bad) }
            #expect(bench.next(web, Self.bad).last == "perform restart web.service")
            _ = bench.end(web, as: .running(fileA, "r\(round)"))
        }
        // This time it does not last.
        _ = bench.checked(web, Self.ok)
        for _ in 0..<4 { _ = bench.next(web, Self.ok) }
        for _ in 0..<2 { _ = bench.next(web, Self.bad) }
        #expect(bench.next(web, Self.bad).last == "perform stop web.service")
    }

    @Test func aRestartThatFailsIsAFailure() {
        var (bench, _) = up(Self.launched(Self.check { ($0.restartsFirst, $0.retries) = (true, 1) }))
        _ = bench.checked(web, Self.ok)
        _ = bench.next(web, Self.bad)
        let problem = OperationFailure(kind: .job(result: "failed"), message: "x")
        let lines = bench.end(web, .failed(problem), as: .failed())
        #expect(lines.contains { $0.contains("failed exit-code: main process exited with status 3") })
    }

    @Test func theRestartIsRememberedByALaterFleetd() {
        let wanted = Self.launched(Self.check { ($0.restartsFirst, $0.retries) = (true, 1) })
        var (bench, _) = up(wanted)
        _ = bench.checked(web, Self.ok)
        _ = bench.next(web, Self.bad)
        _ = bench.end(web, as: .running(fileA, "i2"))
        bench.restart()
        _ = bench.step(.connected([web: .running(fileA, "i2")]))
        _ = bench.step(.listed(assignments: [web: wanted], refusals: [:]))
        _ = bench.checked(web, Self.ok)
        #expect(bench.next(web, Self.bad).last == "perform stop web.service")
    }

    // MARK: Coming up

    @Test func failuresInTheStartPeriodDoNotCount() {
        var (bench, _) = up(Self.launched(Self.check { ($0.startPeriod, $0.interval) = (.seconds(60), .seconds(1)) }))
        #expect(
            bench.checked(web, Self.bad).first
                == "publish web.service active/running 1.0 settled starting 'exit status 1: no db'"
        )
        for _ in 0..<57 { #expect(bench.next(web, Self.bad, after: .seconds(1)) == ["wake in 1000 ms"]) }
        let lines = (0..<6).flatMap { _ in bench.next(web, Self.bad, after: .seconds(1)) }
        #expect(lines.contains("perform stop web.service"))
    }

    @Test func theFirstSuccessEndsTheStartPeriod() {
        var (bench, _) = up(Self.launched(Self.check { $0.startPeriod = .seconds(3600) }))
        _ = bench.checked(web, Self.bad)
        _ = bench.next(web, Self.ok, after: .seconds(1))
        for _ in 0..<2 { _ = bench.next(web, Self.bad) }
        #expect(bench.next(web, Self.bad).last == "perform stop web.service")
    }

    /// Readiness is looked for often, and a failure counts as seldom as the interval says.
    @Test func failuresBeforeTheFirstSuccessCountOncePerInterval() {
        var (bench, lines) = up()
        var (age, checks) = (Duration.zero, 0)
        while !lines.contains("perform stop web.service"), age < .seconds(100) {
            if lines.contains("check web.service") {
                checks += 1
                lines = bench.checked(web, Self.bad)
            } else {
                age += .seconds(1)
                lines = bench.step(.wake, after: .seconds(1))
            }
        }
        #expect(age >= .seconds(30) && age <= .seconds(35), "\(age)")
        #expect(checks >= 8 && checks <= 12, "\(checks)")
    }

    /// Nothing is waited for that does not come.
    @Test func aSlowStartIsNotChecked() {
        var bench = Bench.ready()
        _ = bench.assign(web, Self.launched())
        _ = bench.end(web, as: .dead())
        #expect(!bench.step(.observed(web, .running())).contains { $0.hasPrefix("wake") || $0.hasPrefix("check") })
        #expect(bench.end(web, as: .running()).contains("check web.service"))
    }

    @Test func aUnitThatIsUpForLongHasNoStartPeriod() {
        let check = Self.check { ($0.startPeriod, $0.retries) = (.seconds(60), 1) }
        var bench = Bench(ledger: [web: LedgerEntry(carriedOut: .first, target: .launched, restart: 0)])
        var observation = UnitObservation.running()
        observation.since = Bench.start.advanced(by: .seconds(-600))
        _ = bench.step(.connected([web: observation]))
        #expect(
            bench.step(.listed(assignments: [web: Self.launched(check)], refusals: [:])) == [
                "publish web.service active/running 1.0 settled starting", "check web.service",
            ]
        )
        // But the interval, once.
        _ = bench.checked(web, Self.bad)
        #expect(!bench.next(web, Self.bad, after: .seconds(9)).contains { $0.hasPrefix("perform") })
        #expect(bench.next(web, Self.bad, after: .seconds(5)).last == "perform stop web.service")
    }

    // MARK: What gets in between

    @Test func aCheckThatCouldNotBeMadeSaysNothing() {
        var (bench, _) = up(Self.launched(Self.check { $0.retries = 1 }))
        _ = bench.checked(web, Self.ok)
        for _ in 0..<20 { #expect(bench.next(web, .notRun(reason: "no pipe")) == ["wake in 10000 ms"]) }
    }

    @Test func answersAboutAnEarlierInvocationAreDropped() {
        var (bench, _) = up(Self.launched(Self.check { $0.retries = 1 }))
        _ = bench.checked(web, Self.ok)
        _ = bench.step(.wake, after: .seconds(10))
        let old = bench.checks.removeValue(forKey: web) ?? 0
        // systemd has restarted it.
        #expect(bench.step(.observed(web, .running(fileA, "i2"))).contains("check web.service"))
        #expect(bench.step(.checked(old, web, Self.bad)).isEmpty)
        #expect(bench.checked(web, Self.ok).first?.hasSuffix("healthy 'fine'") == true)
    }

    @Test(arguments: ["inactive", "failed", "activating", "deactivating"])
    func onlyWhatIsUpIsChecked(state: String) {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        _ = bench.step(.wake, after: .seconds(10))
        let id = bench.checks.removeValue(forKey: web) ?? 0
        let lines = bench.step(.observed(web, .state(state, "x") { $0.invocation = "i1" }))
        #expect(!lines.contains { $0.contains("healthy") || $0.hasPrefix("check") })
        #expect(bench.step(.checked(id, web, Self.bad)).isEmpty)
        #expect(!bench.step(.wake, after: .seconds(100)).contains { $0.hasPrefix("check") })
    }

    @Test func noCheckDuringAStop() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        #expect(bench.assign(web, nil) == ["perform stop web.service"])
        #expect(bench.step(.wake, after: .seconds(10)).isEmpty)
        #expect(bench.end(web, as: .dead()).contains("perform remove web.service"))
    }

    @Test func withoutTheRegistryChecksGoOnAndNothingIsStopped() {
        for restartsFirst in [true, false] {
            let wanted = Self.launched(Self.check { $0.restartsFirst = restartsFirst })
            var (bench, _) = up(wanted)
            _ = bench.checked(web, Self.ok)
            _ = bench.step(.registryLost)
            let lines = (0..<10).flatMap { _ in bench.next(web, Self.bad) }
            #expect(!lines.contains { $0.hasPrefix("perform") || $0.hasPrefix("remember") })
            #expect(lines.contains { $0.contains(" unhealthy 3/3") })
            var well = bench
            _ = well.next(web, Self.ok)
            #expect(!well.step(.listed(assignments: [web: wanted], refusals: [:])).contains { $0.hasPrefix("perform") })
            let verb = restartsFirst ? "restart" : "stop"
            #expect(
                bench.step(.listed(assignments: [web: wanted], refusals: [:])).contains("perform \(verb) web.service")
            )
        }
    }

    @Test func systemdIsLostAndFound() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        _ = bench.step(.wake, after: .seconds(10))
        let old = bench.checks.removeValue(forKey: web) ?? 0
        _ = bench.step(.disconnected)
        #expect(bench.step(.checked(old, web, Self.bad)).isEmpty)
        #expect(bench.step(.wake, after: .seconds(10)).isEmpty)
        #expect(bench.step(.connected([web: .running()])) == ["check web.service"])
        #expect(bench.checked(web, Self.ok) == ["wake in 10000 ms"])
    }

    @Test func aClockThatIsSetBackDelaysNothing() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        bench.now = bench.now.advanced(by: .seconds(-3600))
        #expect(bench.step(.wake) == ["check web.service"])
        #expect(bench.checked(web, Self.ok) == ["wake in 10000 ms"])
    }

    @Test func anotherCheckBeginsAnew() {
        var (bench, _) = up()
        _ = bench.checked(web, Self.ok)
        let lines = bench.assign(web, Self.launched(Self.check { $0.retries = 5 }))
        #expect(lines == ["publish web.service active/running 1.0 settled starting", "check web.service"])
        #expect(bench.assign(web, .launched()) == ["publish web.service active/running 1.0 settled"])
        #expect(bench.step(.wake, after: .seconds(100)).isEmpty)
    }

    @Test func atMostOnceIsStoppedByItsLockFirst() {
        var assignment = Self.launched(Self.check { ($0.restartsFirst, $0.retries) = (true, 1) })
        assignment.atMostOnce = true
        var bench = Bench.ready()
        func seen(_ active: String, _ sub: String, allowed: Bool = true) -> UnitObservation {
            .state(active, sub) { ($0.isAllowed, $0.invocation) = (allowed, active == "active" ? "i1" : "") }
        }
        _ = bench.assign(web, assignment)
        _ = bench.end(web, as: seen("inactive", "dead"))
        _ = bench.step(.locked(web))
        #expect(bench.end(web, as: seen("active", "running")).contains("check web.service"))
        _ = bench.checked(web, Self.ok)
        _ = bench.step(.lockLost(web, to: nil))
        #expect(bench.flights[web]?.operation == .stop(web))
        #expect(!bench.step(.wake, after: .seconds(10)).contains { $0.hasPrefix("check") })
    }
}

extension Bench {
    /// The check in flight is answered.
    mutating func checked(_ unit: UnitName, _ result: CheckResult) -> [String] {
        guard let id = checks.removeValue(forKey: unit) else {
            Issue.record("no check of \(unit) under way")
            return []
        }
        return step(.checked(id, unit, result))
    }

    /// The next check, answered.
    mutating func next(_ unit: UnitName, _ result: CheckResult, after wait: Duration = .seconds(10)) -> [String] {
        let asked = step(.wake, after: wait)
        #expect(asked.contains("check \(unit)"))
        return checked(unit, result)
    }
}
