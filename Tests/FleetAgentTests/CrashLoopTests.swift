import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

@Suite struct CrashLoopTests {
    /// One cycle of a looping unit: seconds up, seconds waiting, how the run ended.
    struct Cycle {
        var up: Int64
        var wait: Int64
        var result = "exit-code"
        /// False when the wait is too short to be seen.
        var isSeen = true
    }

    /// After how many restarts the loop is found; nil for never.
    func found(_ cycle: (Int) -> Cycle, cycles: Int = 40) -> UInt32? {
        var loop = CrashLoop()
        var now = Bench.start
        for index in 0..<cycles {
            let cycle = cycle(index)
            let restarts = UInt32(index)
            let up = UnitObservation.state("active", "running") {
                $0.restarts = restarts
                $0.invocation = "i\(index)"
            }
            if let finding = loop.saw(up, now: now) { return finding.restarts }
            now = now.advanced(by: .seconds(cycle.up))
            let down = UnitObservation.state("activating", "auto-restart") {
                $0.restarts = restarts
                $0.result = cycle.result
            }
            if cycle.isSeen, let finding = loop.saw(down, now: now) { return finding.restarts }
            now = now.advanced(by: .seconds(cycle.wait))
        }
        return nil
    }

    /// A container that its own check ends after 90 s, every time.
    @Test func aVerdictThatTakesItsTimeIsWaitedFor() {
        func found(goodRun: Duration) -> Bool {
            var loop = CrashLoop()
            var now = Bench.start
            for index in 0..<UInt32(20) {
                let up = UnitObservation.state("active", "running") {
                    ($0.restarts, $0.invocation) = (index, "i\(index)")
                }
                if loop.saw(up, goodRun: goodRun, now: now) != nil { return true }
                now = now.advanced(by: .seconds(95))
                let down = UnitObservation.state("activating", "auto-restart") {
                    ($0.restarts, $0.result) = (index, "exit-code")
                }
                if loop.saw(down, goodRun: goodRun, now: now) != nil { return true }
            }
            return false
        }
        #expect(!found(goodRun: .seconds(60)))
        #expect(found(goodRun: .seconds(60 + 180)))
    }

    @Test func rule() {
        #expect(found { _ in Cycle(up: 1, wait: 3) } == 10)
        // A slow loop is a loop: only the time up counts.
        #expect(found { _ in Cycle(up: 0, wait: 300) } == 10)
        #expect(found { _ in Cycle(up: 59, wait: 3) } == 10)
        #expect(found { _ in Cycle(up: 60, wait: 3) } == nil)
        // Work that ends well and is done again is no crash.
        #expect(found { _ in Cycle(up: 1, wait: 30, result: "success") } == nil)
        // One good run in ten starts the count again.
        #expect(found { Cycle(up: $0 % 10 == 9 ? 60 : 1, wait: 3) } == nil)
        #expect(found { Cycle(up: $0 == 5 ? 60 : 1, wait: 3) } == 10)
        // Waits too short to be seen: found one restart later.
        #expect(found { _ in Cycle(up: 1, wait: 0, isSeen: false) } == 11)
    }

    @Test func moreObservationsChangeNothing() {
        var once = CrashLoop()
        var often = CrashLoop()
        var now = Bench.start
        for restarts in UInt32(0)...12 {
            let state = UnitObservation.state("activating", "auto-restart") {
                $0.restarts = restarts
                $0.result = "signal"
            }
            now = now.advanced(by: .seconds(3))
            let first = once.saw(state, now: now)
            for _ in 0..<5 { #expect(often.saw(state, now: now)?.restarts == first?.restarts) }
        }
    }

    @Test func aStartByHandCountsAnew() {
        var loop = CrashLoop()
        func down(_ restarts: UInt32) -> UnitObservation {
            .state("activating", "auto-restart") {
                $0.restarts = restarts
                $0.result = "signal"
            }
        }
        for restarts in UInt32(0)...9 { #expect(loop.saw(down(restarts), now: Bench.start) == nil) }
        for restarts in UInt32(0)...9 { #expect(loop.saw(down(restarts), now: Bench.start) == nil) }
        #expect(loop.saw(down(10), now: Bench.start)?.restarts == 10)
    }

    @Test func theAgentStopsTheUnitAndTells() {
        let web: UnitName = "web.service"
        var bench = Bench.ready()
        bench.run(web, .launched())
        var lines: [String] = []
        for restarts in UInt32(0)...10 {
            lines = bench.step(.observed(web, looping(restarts)), after: .milliseconds(1200))
            if restarts < 10 { #expect(!lines.contains { $0.hasPrefix("perform") }) }
        }
        #expect(lines == ["remember web.service 1.0 launched failed 1.0", "perform stop web.service"])
        #expect(
            bench.end(web, as: .dead(fileA, "i9")) == [
                "publish web.service inactive/dead 1.0 failed crash-loop: restarted 10 times in 12 s and "
                    + "never stayed up; last: main process exited with status 3",
                "journal web.service 1.0 [i1]",
            ]
        )
        #expect(
            bench.step(.journal(web, .first, lines: [])) == [
                "remember web.service 1.0 launched failed 1.0 reported",
                "publish web.service inactive/dead 1.0 settled failed crash-loop: restarted 10 times in 12 s and "
                    + "never stayed up; last: main process exited with status 3",
                "event web.service failed: restarted 10 times in 12 s and never stayed up; last: "
                    + "main process exited with status 3",
            ]
        )
        #expect(bench.assign(web, .launched(attempt: 1)) == ["perform start web.service"])
    }

    @Test func nothingIsStoppedWhileTheRegistryIsLost() {
        let web: UnitName = "web.service"
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.step(.registryLost)
        for restarts in UInt32(0)...15 {
            let lines = bench.step(.observed(web, looping(restarts)), after: .seconds(3))
            #expect(!lines.contains { $0.hasPrefix("perform") || $0.hasPrefix("remember") })
        }
        #expect(
            bench.step(.listed(assignments: [web: .launched()], refusals: [:])).contains("perform stop web.service")
        )
    }

    private func looping(_ restarts: UInt32) -> UnitObservation {
        .state("activating", "auto-restart") {
            $0.restarts = restarts
            $0.result = "exit-code"
            $0.mainCode = 1
            $0.mainStatus = 3
            $0.invocation = "i1"
        }
    }
}

@Suite struct FailureReadingTests {
    @Test(arguments: [
        (UnitObservation.failed(), FailureCause.exitCode, "main process exited with status 3"),
        (.failed(status: 217), .exitCode, "could not find or use the user (User=) (exit status 217/USER)"),
        (.failed(code: 0, status: 0), .exitCode, "a process of the unit failed (Result: exit-code)"),
        (.failed(code: 1, status: 0), .exitCode, "a process of the unit failed (Result: exit-code)"),
        (.failed(result: "signal", code: 2, status: 9), .signal, "main process killed by signal 9 (KILL)"),
        (.failed(result: "signal", code: 2, status: 40), .signal, "main process killed by signal 40"),
        (.failed(result: "core-dump", code: 3, status: 11), .coreDump, "main process dumped core on signal 11 (SEGV)"),
        (.failed(result: "timeout"), .timeout, "a time limit of the unit was exceeded (Result: timeout)"),
        (
            .failed(result: "watchdog", code: 2, status: 6), .watchdog,
            "missed its watchdog (WatchdogSec=) and was ended (Result: watchdog)"
        ),
        (
            .failed(result: "oom-kill", code: 2, status: 9), .oomKill,
            "a process was killed because memory ran out (Result: oom-kill)"
        ),
        (
            .failed(result: "resources", code: 0), .resources,
            "systemd could not set up what the unit needs (Result: resources)"
        ),
        (
            .failed(result: "protocol", code: 1), .protocolViolation,
            "the service did not keep to the protocol of its Type= (Result: protocol)"
        ),
        (.failed(result: "trigger-limit-hit"), .other, "failed (Result: trigger-limit-hit)"),
        (.failed(result: "", code: 0), .other, "failed (SubState: failed)"),
        // Words of ours are not systemd's to use.
        (.failed(result: "crash-loop"), .other, "failed (Result: crash-loop)"),
    ])
    func sentences(observation: UnitObservation, cause: FailureCause, message: String) {
        let failure = FailureReading.failure(of: observation, starting: nil, now: Bench.start)
        #expect(failure.cause == cause)
        #expect(failure.message == message)
    }

    /// podman kills with SIGKILL, and conmon ends with the container's status; what systemd ended has its own cause.
    @Test(
        arguments: [
            (
                UnitObservation.failed(status: 137),
                PodmanVerdict(failures: 2, output: "exit status 1: the disk is on fire"),
                FailureCause.unhealthy,
                "unhealthy, and ended by podman (main process exited with status 137): "
                    + "health check failed 2 times: exit status 1: the disk is on fire"
            ),
            (
                .failed(status: 137), PodmanVerdict(failures: 1), .unhealthy,
                "unhealthy, and ended by podman (main process exited with status 137): health check failed"
            ),
            (
                .failed(result: "signal", code: 2, status: 9), PodmanVerdict(), .unhealthy,
                "unhealthy, and ended by podman (main process killed by signal 9 (KILL)): health check failed"
            ),
            (.failed(status: 137), nil, .exitCode, "main process exited with status 137"),
            (
                .failed(result: "timeout"), PodmanVerdict(failures: 2), .timeout,
                "a time limit of the unit was exceeded (Result: timeout)"
            ),
        ] as [(UnitObservation, PodmanVerdict?, FailureCause, String)]
    )
    func containers(seen: UnitObservation, verdict: PodmanVerdict?, cause: FailureCause, message: String) {
        var observation = seen
        observation.podmanVerdict = verdict
        let failure = FailureReading.failure(of: observation, starting: nil, now: Bench.start)
        #expect(failure.cause == cause)
        #expect(failure.message == message)
    }

    /// A loop keeps its cause, and says why the last run ended.
    @Test func aLoopOfUnhealthyContainers() {
        var observation = UnitObservation.failed(status: 137)
        (observation.activeState, observation.subState) = ("activating", "auto-restart")
        observation.podmanVerdict = PodmanVerdict(failures: 3, output: "exit status 1")
        let loop = CrashLoop.Finding(restarts: 10, within: .seconds(300))
        let failure = FailureReading.failure(of: loop, last: observation, now: Bench.start)
        #expect(failure.cause == .crashLoop)
        #expect(failure.message.hasSuffix("status 137): health check failed 3 times: exit status 1"))
    }

    @Test func restartsAreMentioned() {
        var observation = UnitObservation.failed()
        observation.restarts = 1
        let one = FailureReading.failure(of: observation, starting: nil, now: Bench.start)
        #expect(one.message == "main process exited with status 3 after an automatic restart")
        observation.restarts = 5
        let five = FailureReading.failure(of: observation, starting: nil, now: Bench.start)
        #expect(five.message == "main process exited with status 3 after 5 automatic restarts")
    }

    @Test(arguments: [(0, "0 ms"), (750, "750 ms"), (1499, "1 s"), (1500, "2 s"), (90_000, "90 s"), (300_000, "5 min")])
    func durations(milliseconds: Int64, text: String) {
        #expect(FailureReading.text(for: .milliseconds(milliseconds)) == text)
    }
}
