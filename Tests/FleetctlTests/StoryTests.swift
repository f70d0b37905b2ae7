import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

@Suite struct StoryTests {
    static func event(
        _ secondsAgo: Int,
        _ kind: UnitEvent.Kind,
        on machine: MachineSummary? = nil,
        _ message: String,
        journal: [String]? = nil
    ) throws -> UnitEvent {
        UnitEvent(
            at: Fixture.ago(secondsAgo),
            unit: try UnitName("web.service"),
            kind: kind,
            machine: machine?.id,
            message: message,
            journal: journal
        )
    }

    @Test func aWholeStory() throws {
        let one = try Fixture.machine("1")
        let two = try Fixture.machine("2", ip: "10.0.0.2", host: "web2")
        let row = try Fixture.row(
            assigned: [two],
            states: [.init(machine: two, status: Fixture.status(active: "activating", sub: "auto-restart"))],
            reschedule: "retried at 11:00:10"
        )
        let detail = Fixture.detail(
            row,
            events: [
                try Self.event(90_000, .submitted, "submitted by root (uid 0)"),
                try Self.event(3600, .target, "launched asked for by root (uid 0)"),
                try Self.event(3599, .placed, on: one, "placed on 11111111: fewest units of 2 eligible machines"),
                try Self.event(3598, .failed, on: one, "main process exited with status 3", journal: ["cannot bind"]),
                try Self.event(3597, .moved, on: two, "moved away from web1, where it failed"),
                try Self.event(30, .failed, on: two, "main process exited with status 4", journal: ["disk\u{7} full"]),
                try Self.event(29, .retry, on: two, ""),
            ],
            notEligible: [one.id: "it failed there"]
        )
        #expect(
            Story(detail: detail, zone: .utc, now: Fixture.now).render() == """
                web.service: should be launched, is activating (auto-restart) on web2 (22222222.../10.0.0.2)

                Fri 2026-11-20 GMT
                  10:00:00  submitted by root (uid 0) (1 day 1h ago)

                Sat 2026-11-21 GMT
                  10:00:00  launched asked for by root (uid 0) (1h ago)
                  10:00:01  placed on 11111111: fewest units of 2 eligible machines (59min ago)
                  10:00:02  main process exited with status 3 [on 11111111...] (59min ago)
                            | cannot bind
                  10:00:03  moved away from web1, where it failed [on web2 (22222222.../10.0.0.2)] (59min ago)
                  10:59:30  main process exited with status 4 [on web2 (22222222.../10.0.0.2)] (30s ago)
                            | disk? full
                  10:59:31  retry [on web2 (22222222.../10.0.0.2)] (29s ago)

                Next: retried at 11:00:10

                Not eligible:
                  11111111...: it failed there

                """
        )
    }

    @Test func submissionIsToldEvenWithoutItsEvent() throws {
        let detail = Fixture.detail(
            try Fixture.row(blocked: "no machine has disk=ssd"),
            events: [try Self.event(10, .blocked, "no machine has disk=ssd")]
        )
        let text = Story(detail: detail, zone: .utc, now: Fixture.now).render()
        #expect(text.hasPrefix("web.service: should be launched, but is blocked: no machine has disk=ssd\n"))
        #expect(text.contains("  09:58:20  submitted by root (uid 0) (1h 1min ago)\n"))
        #expect(!text.contains("older events"))
    }

    @Test func summaries() throws {
        let stored = Fixture.detail(try Fixture.row(target: .inactive))
        let text = Story(detail: stored, zone: .utc, now: Fixture.now).render()
        #expect(text.hasPrefix("web.service: inactive, as its target state asks\n"))
        let coming = Story(detail: Fixture.detail(try Fixture.row()), zone: .utc, now: Fixture.now).render()
        #expect(coming.hasPrefix("web.service: should be launched, and is on no machine yet\n"))
    }
}
