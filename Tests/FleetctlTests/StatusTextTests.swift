import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

@Suite struct StatusTextTests {
    static func text(_ detail: UnitDetail, _ journal: [JournalLine]? = nil) -> StatusText {
        StatusText(detail: detail, journal: journal, zone: .utc, now: Fixture.now)
    }

    @Test func running() throws {
        let line = JournalLine(
            at: Fixture.ago(60),
            hostname: "web1",
            identifier: "web",
            pid: 4711,
            priority: 6,
            message: "ready"
        )
        let text = Self.text(Fixture.detail(try Fixture.running()), [line])
        #expect(
            text.render() == """
                ● web.service - Web server
                   Unit file: hash \(ContentHash(of: "text").short), submitted by root (uid 0) at Sat 2026-11-21 09:58:20 GMT; 1h 1min ago
                      Target: launched, set by root (uid 0) at Sat 2026-11-21 10:00:00 GMT; 1h ago
                     Machine: web1 (11111111.../10.0.0.1)
                      Loaded: loaded (/run/fleet/units/web.service)
                      Active: active (running) since Sat 2026-11-21 10:58:55 GMT; 1min 5s ago
                    Main PID: 4711

                Nov 21 10:59:00 web1 web[4711]: ready

                """
        )
        #expect(text.exitStatus == 0)
    }

    @Test func failed() throws {
        let machine = try Fixture.machine("1")
        let failure = UnitFailure(cause: .exitCode, message: "exited with status 3", at: Fixture.ago(70))
        let status = Fixture.status(active: "failed", sub: "failed", failure: failure)
        let row = try Fixture.row(
            assigned: [machine],
            states: [.init(machine: machine, status: status)],
            reschedule: "given up after 5 failures within 1h"
        )
        let text = Self.text(Fixture.detail(row))
        #expect(text.render().hasPrefix("× web.service - Web server\n"))
        #expect(text.render().contains("      Failed: exited with status 3 at Sat 2026-11-21 10:58:50 GMT\n"))
        #expect(text.render().hasSuffix("  Reschedule: given up after 5 failures within 1h\n"))
        #expect(text.exitStatus == 3)
    }

    @Test func nowhere() throws {
        let blocked = Self.text(Fixture.detail(try Fixture.row(blocked: "no machine has disk=ssd")))
        #expect(blocked.render().hasPrefix("○ web.service"))
        #expect(
            blocked.render().contains("      Active: inactive (on no machine)\n     Blocked: no machine has disk=ssd\n")
        )
        #expect(blocked.exitStatus == 3)
        let coming = Self.text(Fixture.detail(try Fixture.row(assigned: [try Fixture.machine("1")])))
        #expect(coming.render().contains("      Active: unknown: not yet reported\n"))
    }

    @Test(
        arguments: [("active", 0), ("reloading", 0), ("activating", 0), ("inactive", 3), ("failed", 3)]
            as [(String, Int32)]
    )
    func exitStatus(_ active: String, _ expected: Int32) throws {
        let machine = try Fixture.machine("1")
        let row = try Fixture.row(states: [.init(machine: machine, status: Fixture.status(active: active))])
        #expect(Self.text(Fixture.detail(row)).exitStatus == expected)
    }
}
