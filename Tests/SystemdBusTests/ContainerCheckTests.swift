import FleetAgent
import FleetModel
import Testing
import UnitFile

@testable import SystemdBus

/// What podman writes to the journal of the health checks of containers. The fields are those of podman 5.4.2.
@Suite struct ContainerCheckTests {
    private static let log =
        #"{"Start":"2026-12-01T03:27:48Z","End":"2026-12-01T03:27:49Z","ExitCode":1,"#
        + #""Output":"the disk is on fire\n"}"#

    private func event(_ at: UInt64, _ unit: String, _ status: String, log: String = "") -> ContainerCheck.Event {
        ContainerCheck.Event(
            at: at,
            status: status,
            streak: "2",
            labels: #"{"PODMAN_SYSTEMD_UNIT":"\#(unit)","org.example":"a\"b"}"#,
            log: log
        )
    }

    @Test func theLastWordOfTheRunCounts() throws {
        let (box, web, well, late) = (
            try UnitName("box.service"), try UnitName("web.service"), try UnitName("well.service"),
            try UnitName("late.service")
        )
        let events = [
            event(90, "well.service", "healthy"), event(80, "box.service", "unhealthy", log: Self.log),
            event(70, "other.service", "unhealthy"), event(60, "web.service", "unhealthy"),
            event(55, "box.service", "healthy"), event(50, "well.service", "unhealthy"),
            event(40, "late.service", "unhealthy"),
        ]
        let found = ContainerCheck.verdicts(events, since: [box: 10, web: 60, well: 10, late: 41])
        #expect(
            found == [
                box: PodmanVerdict(failures: 2, output: "exit status 1: the disk is on fire"),
                web: PodmanVerdict(failures: 2),
            ]
        )
        #expect(ContainerCheck.verdicts(events, since: [:]) == [:])
    }

    @Test func whatIsNoEventOfAUnit() {
        for labels in ["", "{}", "nonsense", #"{"PODMAN_SYSTEMD_UNIT":"../x"}"#] {
            let event = ContainerCheck.Event(at: 1, status: "unhealthy", streak: "", labels: labels, log: "")
            #expect(ContainerCheck.unit(of: event) == nil)
        }
        // podman before 5.3.
        let old = ContainerCheck.Event(at: 1, status: "unhealthy", streak: "", labels: "", log: "")
        #expect(ContainerCheck.verdict(of: old) == PodmanVerdict())
    }

    @Test(arguments: [
        ("--health-cmd true --health-on-failure kill x", true), ("--health-on-failure=stop x", true),
        ("--health-on-failure restart x", true), ("--health-on-failure none x", false), ("--health-cmd true x", false),
    ])
    func servicesThatPodmanEnds(arguments: String, ends: Bool) {
        let text = "[X-Container]\nHealthOnFailure=kill\n[Service]\nExecStart=/usr/bin/podman run \(arguments)\n"
        #expect(ContainerCheck.ends(text) == ends)
    }

    @Test func theLogGoesToTheJournal() {
        let text = "[Container]\nImage=x\nHealthCmd=true\nHealthOnFailure=kill"
        let line = "\n[Container]\nHealthLogDestination=events_logger\n"
        #expect(ContainerCheck.losesItsLog(text))
        #expect(ContainerCheck.text(text, podman: PodmanVersion(5, 3)) == text + line)
        #expect(ContainerCheck.text(text, podman: PodmanVersion(5, 2)) == text)
        #expect(ContainerCheck.text(text, podman: nil) == text)
        #expect(!ContainerCheck.losesItsLog(text + "\nHealthLogDestination=local"))
        #expect(!ContainerCheck.losesItsLog("[Container]\nImage=x\nHealthCmd=true\n"))
        #expect(!ContainerCheck.losesItsLog("[Container]\nImage=x\n"))
    }
}
