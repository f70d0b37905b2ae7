import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// Runs that fail for good: seen once, told once, answered by a new run.
@Suite struct FailureTests {
    let web: UnitName = "web.service"

    @Test func failedAfterAStart() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(
            bench.step(.observed(web, .failed())) == [
                "remember web.service 1.0 launched failed 1.0",
                "publish web.service failed/failed 1.0 failed exit-code: main process exited with status 3",
                "journal web.service 1.0 [i1]",
            ]
        )
        let run = RunID(generation: 1, attempt: 0)
        #expect(
            bench.step(.journal(web, run, lines: ["last words"])) == [
                "remember web.service 1.0 launched failed 1.0 reported",
                "publish web.service failed/failed 1.0 settled failed exit-code: main process exited with status 3",
                "event web.service failed: main process exited with status 3 | last words",
            ]
        )
        #expect(bench.step(.observed(web, .failed())) == [])
        #expect(bench.step(.journal(web, run, lines: [])) == [])
    }

    @Test func aNewAttemptResetsAndStarts() {
        var bench = failedBench()
        #expect(bench.assign(web, .launched(attempt: 1)) == ["perform resetFailed web.service"])
        #expect(bench.end(web, as: .dead()) == ["perform start web.service"])
        #expect(
            bench.end(web, as: .running(fileA, "i2")) == [
                "remember web.service 1.1 launched", "publish web.service active/running 1.1 settled",
                "event web.service started: started again (attempt 2): active (running)",
            ]
        )
    }

    @Test func restartedFleetdTellsTheSameFailure() {
        var bench = failedBench()
        bench.restart()
        _ = bench.step(.connected([web: .failed()]))
        #expect(
            bench.step(.listed(assignments: [web: .launched()], refusals: [:])) == [
                "publish web.service failed/failed 1.0 settled failed exit-code: main process exited with status 3"
            ]
        )
    }

    @Test func fleetdThatDiesBeforeTellingTellsLater() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.step(.observed(web, .failed()))
        bench.restart()
        _ = bench.step(.connected([web: .dead()]))
        #expect(
            bench.step(.listed(assignments: [web: .launched()], refusals: [:])) == [
                "publish web.service inactive/dead 1.0 failed exit-code: main process exited with status 3",
                "journal web.service 1.0 [i1]",
            ]
        )
    }

    @Test func automaticRestartIsNoFailure() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        let waiting = UnitObservation.state("activating", "auto-restart") { $0.result = "exit-code" }
        #expect(bench.step(.observed(web, waiting)) == ["publish web.service activating/auto-restart 1.0 settled"])
        let queued = UnitObservation.state("failed", "failed") {
            $0.result = "exit-code"
            $0.hasJob = true
        }
        #expect(bench.step(.observed(web, queued)) == ["publish web.service failed/failed 1.0 settled"])
    }

    @Test(
        arguments: [
            // Start job's result, the unit after it; cause and sentence, or what goes on without a failure.
            ("failed", UnitObservation.failed(), FailureCause.exitCode, "main process exited with status 3"),
            ("failed", .failed(status: 203), .exitCode, "could not execute the program (exit status 203/EXEC)"),
            (
                "timeout", .failed(result: "timeout", code: 2, status: 15), .timeout,
                "start timed out after 90 s (Result: timeout)"
            ),
            (
                "failed", .failed(result: "timeout", code: 2, status: 15), .timeout,
                "start timed out after 90 s (Result: timeout)"
            ),
            (
                "failed", .failed(result: "start-limit-hit", code: 0), .startLimit,
                "started too often in too short a time (StartLimitBurst=) (Result: start-limit-hit)"
            ),
            (
                "dependency", .dead(), .dependency,
                "not started: systemd says no (job result: dependency)"
            ),
            (
                "timeout", .dead(), .timeout,
                "not started: the start job waited longer than JobTimeoutSec= (job result: timeout)"
            ),
            (
                "assert", .dead(), .other,
                "not started: an assertion of the unit (Assert...=) does not hold (job result: assert)"
            ),
            ("unsupported", .dead(), .other, "systemd says no"),
            ("failed", .state("activating", "auto-restart"), nil, ""),
            ("failed", .running(), nil, ""),
            ("canceled", .dead(), nil, ""),
        ] as [(String, UnitObservation, FailureCause?, String)]
    )
    func failedStartJob(job: String, observation: UnitObservation, cause: FailureCause?, message: String) {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        _ = bench.end(web, as: .dead())
        let result = OperationResult.failed(OperationFailure(kind: .job(result: job), message: "systemd says no"))
        _ = bench.end(web, result, as: observation, after: .seconds(90))
        #expect(bench.ledger[web]?.carriedOut == .first)
        #expect(bench.ledger[web]?.failed?.failure.cause == cause)
        #expect(bench.ledger[web]?.failed?.failure.message ?? "" == message)
    }

    @Test func missingBinaryOfASimpleServiceFailsAfterItsJob() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        _ = bench.end(web, as: .dead())
        #expect(
            bench.end(web, as: .failed(status: 203)) == [
                "remember web.service 1.0 launched", "remember web.service 1.0 launched failed 1.0",
                "publish web.service failed/failed 1.0 failed exit-code: could not execute the program "
                    + "(exit status 203/EXEC)",
                "journal web.service 1.0 [i1]",
            ]
        )
    }

    @Test(arguments: [
        (OperationFailure.Kind.badUnit, FailureCause?.some(.badUnit)),
        (.bus(name: "org.freedesktop.systemd1.NoSuchUnit"), .badUnit),
        (.bus(name: "org.freedesktop.DBus.Error.AccessDenied"), .other),
        (.bus(name: "org.freedesktop.systemd1.TransactionIsDestructive"), nil),
    ])
    func operationTurnedDown(kind: OperationFailure.Kind, cause: FailureCause?) {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        let lines = bench.end(web, .failed(OperationFailure(kind: kind, message: "no")), as: nil)
        #expect(bench.ledger[web]?.failed?.failure.cause == cause)
        if cause == nil {
            #expect(
                lines == ["event web.service failed: could not be started, trying again: no", "wake in 1000 ms"]
            )
        } else {
            #expect(lines.last == "journal web.service 1.0 []")
            #expect(
                bench.step(.journal(web, .first, lines: [])).contains(
                    "publish web.service inactive/dead 1.0 settled failed \(cause?.rawValue ?? ""): no"
                )
            )
            #expect(bench.assign(web, .launched(attempt: 1)) == ["perform install web.service"])
        }
    }

    /// The alarm sleeps for a second, whatever becomes of the time of day.
    @Test func aClockThatIsSetBackProlongsNoWait() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        let kind = OperationFailure.Kind.bus(name: "org.freedesktop.systemd1.TransactionIsDestructive")
        let lines = bench.end(web, .failed(OperationFailure(kind: kind, message: "no")), as: nil)
        #expect(lines.last == "wake in 1000 ms")
        bench.now = bench.now.advanced(by: .seconds(-3600))
        #expect(bench.step(.wake) == ["perform install web.service"])
    }

    @Test func installedButNotAccepted() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        let bad = UnitObservation.state("inactive", "dead") {
            $0.loadState = "bad-setting"
            $0.loadError = "Service has no ExecStart="
        }
        _ = bench.end(web, as: bad)
        #expect(
            bench.ledger[web]?.failed?.failure.message
                == "systemd does not accept the unit file (LoadState: bad-setting): Service has no ExecStart="
        )
    }

    @Test func retriesWaitLongerEachTime() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.assign(web, nil)
        let no = OperationResult.failed(OperationFailure(kind: .job(result: "failed"), message: "no"))
        var waits: [Int64] = []
        for _ in 0..<9 {
            let lines = bench.end(web, no, as: .running())
            guard let line = lines.last, line.hasPrefix("wake in ") else { break }
            let wait = Int64(line.split(separator: " ")[2]) ?? 0
            waits.append(wait)
            #expect(bench.step(.wake, after: .milliseconds(wait)) == ["perform stop web.service"])
        }
        #expect(waits == [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000])
    }

    @Test func journalIsCut() {
        let long = String(repeating: "é", count: 400)
        let lines = JournalCut.lines((1...20).map { "line \($0)" } + [long])
        #expect(lines.count == Limits.journalLines)
        #expect(lines.first == "line 12")
        #expect((lines.last?.utf8.count ?? 0) <= Limits.journalLineBytes)
        #expect(lines.last?.hasSuffix("é…") == true)
    }

    private func failedBench() -> Bench {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.step(.observed(web, .failed()))
        _ = bench.step(.journal(web, .first, lines: []))
        return bench
    }
}

/// What is not a failure, and what people do behind fleet's back.
@Suite struct OutsideTests {
    let web: UnitName = "web.service"

    @Test(arguments: [
        // The observations after a start; the event that tells.
        (
            [UnitObservation.state("deactivating", "stop-sigterm") { $0.hasJob = true }, .dead()],
            "stopped outside fleet"
        ),
        (
            [
                .state("inactive", "dead") {
                    $0.mainCode = 2; $0.mainStatus = 15
                }
            ], "stopped outside fleet"
        ),
        ([.dead()], "stopped outside fleet"),
        ([.state("inactive", "dead") { $0.mainCode = 1 }], "ended: main process exited with status 0"),
        (
            [.state("deactivating", "stop-post") { $0.mainCode = 1 }, .state("inactive", "dead") { $0.mainCode = 1 }],
            "ended: main process exited with status 0"
        ),
    ])
    func endedWithoutFailure(observations: [UnitObservation], message: String) {
        var bench = Bench.ready()
        bench.run(web, .launched())
        var lines: [String] = []
        for observation in observations { lines += bench.step(.observed(web, observation)) }
        #expect(lines.last == "event web.service stopped: \(message)")
        #expect(lines.contains("publish web.service inactive/dead 1.0 settled"))
        #expect(!lines.contains { $0.hasPrefix("perform") })
        bench.restart()
        _ = bench.step(.connected([web: .dead()]))
        let listed = bench.step(.listed(assignments: [web: .launched()], refusals: [:]))
        #expect(listed == ["publish web.service inactive/dead 1.0 settled"])
    }

    @Test func startedAgainByHand() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.step(.observed(web, .dead()))
        #expect(
            bench.step(.observed(web, .running(fileA, "i2"))).last
                == "event web.service started: started outside fleet: active (running)"
        )
    }

    @Test func aTimersThousandRunsAreToldOnce() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        let ended = UnitObservation.state("inactive", "dead") { $0.mainCode = 1 }
        #expect(bench.step(.observed(web, ended)).contains { $0.hasPrefix("event") })
        for _ in 0..<3 {
            #expect(!bench.step(.observed(web, .running())).contains { $0.hasPrefix("event") })
            #expect(!bench.step(.observed(web, ended)).contains { $0.hasPrefix("event") })
        }
    }

    @Test func oneshotThatIsDone() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        _ = bench.end(web, as: .dead())
        let done = UnitObservation.state("inactive", "dead") {
            $0.mainCode = 1
            $0.invocation = "i1"
        }
        #expect(
            bench.end(web, as: done) == [
                "remember web.service 1.0 launched", "publish web.service inactive/dead 1.0 settled",
                "event web.service started: started and ended: main process exited with status 0",
            ]
        )
    }

    @Test func conditionThatDoesNotHold() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        _ = bench.end(web, as: .dead())
        let message = "started, and inactive already: it ended, or a condition of it does not hold"
        #expect(bench.end(web, as: .dead()).last == "event web.service started: \(message)")
        #expect(bench.ledger[web]?.failed == nil)
    }
}
