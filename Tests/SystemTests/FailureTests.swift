import Lab
import Testing

extension SystemTests {
    /// Units that failed for good: seen, recorded with the cause, tried again, given up.
    @Suite(.serialized, .machine()) struct FailureTests {
        struct Failure: CustomTestStringConvertible, Sendable {
            var name: String
            var text: String
            /// What `why` has to say of the cause.
            var cause: String
            /// Whether `start` itself sees it fail; nil for a simple service, which is active for a moment first.
            var failsAtStart: Bool? = true

            var testDescription: String { name }
        }

        /// Gives up after two tries, so that a test sees the end soon.
        static let policy = "RescheduleDelaySec=500ms\nRescheduleMaxDelaySec=1s\nRescheduleLimit=2"

        static let failures = [
            Failure(
                name: "restart-limit.service",
                text: UnitText.service(
                    "/bin/sh -c 'echo no disk here; exit 3'",
                    service: "Restart=on-failure\nRestartSec=100ms",
                    unit: "StartLimitBurst=3\nStartLimitIntervalSec=30s",
                    fleet: policy
                ),
                cause: "status 3",
                failsAtStart: nil
            ),
            Failure(
                name: "start-timeout.service",
                text: UnitText.service(
                    "/bin/sleep infinity",
                    service: "Type=notify\nTimeoutStartSec=1s",
                    fleet: policy
                ),
                cause: "timed out"
            ),
            Failure(
                name: "missing-binary.service",
                text: UnitText.service("/usr/bin/no-such-program", service: "Type=simple", fleet: policy),
                cause: "203/EXEC",
                failsAtStart: nil
            ),
            Failure(
                name: "missing-binary-exec.service",
                text: UnitText.service("/usr/bin/no-such-program", service: "Type=exec", fleet: policy),
                cause: "203/EXEC"
            ),
            Failure(
                name: "killed.service",
                text: UnitText.service("/bin/sh -c 'kill -SEGV $$$$'", fleet: policy),
                cause: "SEGV",
                failsAtStart: nil
            ),
            Failure(
                name: "watchdog.service",
                text: UnitText.service(
                    "/bin/sh -c 'systemd-notify --ready; exec sleep infinity'",
                    service: "Type=notify\nNotifyAccess=all\nWatchdogSec=1s\nTimeoutAbortSec=1s",
                    fleet: policy
                ),
                cause: "watchdog",
                failsAtStart: false
            ),
            Failure(
                name: "dependency.service",
                text: UnitText.service(
                    "/bin/sleep infinity",
                    unit: "Requires=no-such-thing.service\nAfter=no-such-thing.service",
                    fleet: policy
                ),
                cause: "no-such-thing.service"
            ),
        ]

        @Test(arguments: failures) func isSeenTriedAgainAndGivenUp(failure: Failure) async throws {
            let fleet = try currentFleet()
            let paths = try await fleet.write([(failure.name, failure.text)])
            let start = try await fleet.ctl(["start"] + paths, limit: .seconds(60))
            if let fails = failure.failsAtStart { #expect(start.status == (fails ? 1 : 0), "\(start)") }
            if start.status != 0 { #expect(start.standardError.contains(failure.name), "\(start)") }
            let why = try await fleet.expectWhy(failure.name, says: "given up", within: .seconds(60))
            #expect(why.contains(failure.cause), "\(why)")
            // Given up means given up: nothing starts it any more.
            #expect(try await fleet.property("ActiveState", of: failure.name) != "active")
            try await fleet.ctl(["destroy", failure.name]).checked()
        }

        @Test func startPrintsTheLastJournalLines() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service(
                "/bin/sh -c 'echo the disk is not there; exit 3'",
                service: "Type=oneshot",
                fleet: FailureTests.policy
            )
            let paths = try await fleet.write([("says.service", text)])
            let start = try await fleet.ctl(["start"] + paths)
            #expect(start.status == 1)
            #expect(start.standardError.contains("the disk is not there"), "\(start)")
            try await fleet.ctl(["destroy", "says.service"]).checked()
        }

        @Test func aCrashLoopThatSystemdNeverEndsIsEnded() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service(
                "/bin/false",
                service: "Restart=always\nRestartSec=300ms",
                unit: "StartLimitIntervalSec=0",
                fleet: FailureTests.policy
            )
            let paths = try await fleet.write([("loop.service", text)])
            _ = try await fleet.ctl(["start"] + paths, limit: .seconds(120))
            let why = try await fleet.expectWhy("loop.service", says: "given up", within: .seconds(120))
            #expect(why.contains("restarted"), "\(why)")
            try await fleet.machine.eventually("systemd has left it alone") {
                let state = try await fleet.property("ActiveState", of: "loop.service")
                guard ["failed", "inactive"].contains(state) else { throw NotYet(state) }
            }
            try await fleet.ctl(["destroy", "loop.service"]).checked()
        }

        @Test(
            .enabled(
                if: hasMemoryController,
                "the host's cgroups have no memory controller for machines: no limit holds"
            )
        )
        func outOfMemory() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service(
                "/bin/sh -c 'x=a; while :; do x=$x$x; done'",
                service: "MemoryMax=20M\nMemorySwapMax=0",
                fleet: FailureTests.policy
            )
            let paths = try await fleet.write([("hungry.service", text)])
            _ = try await fleet.ctl(["start"] + paths)
            try await fleet.expectWhy("hungry.service", says: "memory")
            try await fleet.ctl(["destroy", "hungry.service"]).checked()
        }

        static var hasMemoryController: Bool { Lab.hasController("memory") }

        @Test func aUnitThatRecoversStays() async throws {
            let fleet = try currentFleet()
            // Fails until the third run, whoever starts it.
            let text = UnitText.service(
                "/bin/sh -c 'echo run >>/run/recover; [ $(wc -l </run/recover) -ge 3 ] && exec sleep infinity; exit 1'",
                fleet: "RescheduleDelaySec=200ms\nRescheduleLimit=5"
            )
            let paths = try await fleet.write([("recover.service", text)])
            _ = try await fleet.ctl(["start"] + paths)
            try await fleet.machine.eventually("the third run") {
                let runs = try await fleet.machine.shell("cat /run/recover | wc -l")
                guard runs == "3\n" else { throw NotYet(runs) }
            }
            try await fleet.expect("recover.service", .running)
            let why = try await fleet.ctl(["why", "recover.service"]).checked().standardOutput
            #expect(why.contains("status 1"), "\(why)")
            try await fleet.destroy("recover.service")
        }

        @Test(arguments: ["reset-failed", "start"]) func aGivenUpUnitIsTriedAgainWhenAsked(command: String) async throws
        {
            let fleet = try currentFleet()
            let name = "asked-\(command).service"
            let text = UnitText.service(
                "/bin/sh -c 'test -e /run/\(name).may && exec sleep infinity'",
                fleet: FailureTests.policy
            )
            let paths = try await fleet.write([(name, text)])
            _ = try await fleet.ctl(["start"] + paths)
            try await fleet.expectWhy(name, says: "given up", within: .seconds(60))
            try await fleet.machine.shell("touch /run/\(name).may")
            try await fleet.ctl([command, name]).checked()
            try await fleet.expect(name, .running)
            try await fleet.destroy(name)
        }

        @Test func neverMeansNever() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service("/bin/sh -c 'echo run >>/run/never; exit 1'", fleet: "Reschedule=never")
            let paths = try await fleet.write([("never.service", text)])
            _ = try await fleet.ctl(["start"] + paths)
            try await fleet.expectWhy("never.service", says: "status 1")
            try await fleet.start("after-never.service", UnitText.sleeper)
            #expect(try await fleet.machine.shell("wc -l </run/never") == "1\n")
            try await fleet.destroy("never.service", "after-never.service")
        }

        @Test func aBadUnitDoesNotBlockAnother() async throws {
            let fleet = try currentFleet()
            let slow = UnitText.service(
                "/bin/sleep infinity",
                service: "Type=notify\nTimeoutStartSec=20s",
                fleet: "Reschedule=never"
            )
            let paths = try await fleet.write([("slow.service", slow), ("quick.service", UnitText.sleeper)])
            try await fleet.ctl(["start", "--no-block", paths[0]]).checked()
            try await fleet.expect("slow.service", Fleet.State(active: "activating", sub: "start"))
            try await fleet.ctl(["start", paths[1]], limit: .seconds(10)).checked()
            #expect(try await fleet.states()["slow.service"]?.active == "activating")
            try await fleet.destroy("slow.service", "quick.service")
        }
    }
}
