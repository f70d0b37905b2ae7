import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

/// Values for tests: two machines and a unit, at a fixed time.
enum Fixture {
    static let now = CommandResult.now

    static func machine(_ digit: String, ip: String = "10.0.0.1", host: String = "web1") throws -> MachineSummary {
        let id = try #require(MachineID(String(repeating: digit, count: 32)))
        return MachineSummary(id: id, hostname: host, primaryIP: ip)
    }

    static func ago(_ seconds: Int) -> Timestamp { now.advanced(by: .seconds(-seconds)) }

    static func status(
        active: String = "active",
        sub: String = "running",
        load: String = "loaded",
        settled: Bool = true,
        failure: UnitFailure? = nil
    ) -> UnitStatus {
        UnitStatus(
            file: ContentHash(of: "text"),
            run: RunID(generation: 1, attempt: 0),
            load: load,
            active: active,
            sub: sub,
            mainPID: active == "active" ? 4711 : 0,
            settled: settled,
            failure: failure,
            at: ago(65)
        )
    }

    static func row(
        _ name: String = "web.service",
        target: TargetState = .launched,
        current: TargetState? = .launched,
        isGlobal: Bool = false,
        assigned: [MachineSummary] = [],
        states: [UnitListing.State] = [],
        blocked: String? = nil,
        reschedule: String? = nil
    ) throws -> UnitListing.Row {
        UnitListing.Row(
            name: try UnitName(name),
            file: ContentHash(of: "text"),
            description: "Web server",
            target: target,
            current: isGlobal ? nil : current,
            isGlobal: isGlobal,
            assigned: assigned,
            states: states,
            blocked: blocked,
            reschedule: reschedule
        )
    }

    /// A unit that runs on machine `1`.
    static func running(_ name: String = "web.service") throws -> UnitListing.Row {
        let machine = try machine("1")
        return try row(name, assigned: [machine], states: [.init(machine: machine, status: status())])
    }

    static func detail(
        _ row: UnitListing.Row,
        events: [UnitEvent] = [],
        notEligible: [MachineID: String] = [:]
    ) -> UnitDetail {
        UnitDetail(
            row: row,
            text: "[Service]\nExecStart=/bin/true\n",
            submitted: Provenance(at: ago(3700), by: "root (uid 0)"),
            targetSet: Provenance(at: ago(3600), by: "root (uid 0)"),
            events: events,
            notEligible: notEligible
        )
    }
}
