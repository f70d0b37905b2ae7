import FleetModel
import Testing
import UnitFile

@Suite struct RescheduleTests {
    @Test func defaults() throws {
        let policy = try FleetSectionTests.options("").reschedule
        #expect(policy == ReschedulePolicy())
        #expect(policy.trigger == .onFailure)
        #expect(policy.delay == .seconds(5))
        #expect(policy.maximumDelay == .seconds(300))
        #expect(policy.limit == 5)
        #expect(policy.limitInterval == .seconds(3600))
    }

    @Test(arguments: [
        ("Reschedule=on-failure", ReschedulePolicy.Trigger.onFailure),
        ("Reschedule=on-machine-loss", .onMachineLoss),
        ("Reschedule=never", .never),
        ("Reschedule=%p", .never),
    ])
    func triggers(_ line: String, _ expected: ReschedulePolicy.Trigger) throws {
        #expect(try FleetSectionTests.options(line, "never@1.service").reschedule.trigger == expected)
    }

    @Test(arguments: [
        ("RescheduleDelaySec=10", 10, 300),
        ("RescheduleDelaySec=1min 30s", 90, 300),
        ("RescheduleDelaySec=10min", 600, 600),
        ("RescheduleMaxDelaySec=2", 2, 2),
        ("RescheduleDelaySec=1\nRescheduleMaxDelaySec=1h", 1, 3600),
        ("RescheduleDelaySec=7\nRescheduleMaxDelaySec=7", 7, 7),
    ])
    func delays(_ lines: String, _ delay: Int, _ maximum: Int) throws {
        let policy = try FleetSectionTests.options(lines).reschedule
        #expect(policy.delay == .seconds(delay))
        #expect(policy.maximumDelay == .seconds(maximum))
    }

    @Test func limits() throws {
        let policy = try FleetSectionTests.options("RescheduleLimit=0\nRescheduleLimitIntervalSec=infinity").reschedule
        #expect(policy.limit == 0)
        #expect(policy.limitInterval == Limits.longestSpan)
        #expect(try FleetSectionTests.options("RescheduleLimit=16").reschedule.limit == Limits.recentFailures)
        #expect(try FleetSectionTests.options("RescheduleDelaySec=100ms").reschedule.delay == .milliseconds(100))
    }

    @Test(
        arguments: [
            ("5", 5_000_000), ("5s", 5_000_000), ("5 s", 5_000_000), ("5min 20s", 320_000_000),
            ("5min20s", 320_000_000),
            ("1.5h", 5_400_000_000), ("0.5", 500_000), (".5s", 500_000), ("2 hours", 7_200_000_000),
            ("48hr", 172_800_000_000),
            ("1d", 86_400_000_000), ("1w", 604_800_000_000), ("1M", 2_629_800_000_000), ("1y", 31_557_600_000_000),
            ("55s500ms", 55_500_000), ("300ms20s 5day", 432_020_300_000), ("1us", 1), ("1µs", 1), ("1μs", 1),
            ("1usec", 1),
            ("0", 0), (" 5 ", 5_000_000), ("12.34 .56", 12_900_000), ("5 20", 25_000_000), ("1.2345678", 1_234_567),
            ("1year 12months", 63_115_200_000_000), ("100y", 3_155_760_000_000_000),
        ] as [(String, Int64)]
    )
    func spans(_ text: String, _ microseconds: Int64) {
        #expect(TimeSpan.parse(text) == .finite(.microseconds(microseconds)))
    }

    @Test(arguments: [
        "", " ", "s", "min", "-5", "5 -5", "+5", "5x", "5sec5x", "5..5", "12.34.56", "5.", "5.s", "0.-0", "0.+1", "1,5",
        "5S", "1H", "٥", "infinity5", "inf", "101y", "99999999999999999999", "100y 1us", "5s\u{0}",
    ])
    func notSpans(_ text: String) {
        #expect(TimeSpan.parse(text) == nil)
    }

    @Test func infinity() {
        #expect(TimeSpan.parse("infinity") == .infinite)
    }

    @Test(arguments: [
        (Duration.zero, "0"), (.seconds(5), "5s"), (.seconds(320), "5min 20s"),
        (.milliseconds(90_061_001), "1d 1h 1min 1s 1ms"),
    ])
    func formats(_ span: Duration, _ expected: String) {
        #expect(TimeSpan.format(span) == expected)
    }
}
