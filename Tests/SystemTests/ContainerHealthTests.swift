import Lab
import Testing

extension SystemTests.HealthTests {
    /// A container that is well where `/run/NAME-is-well` is.
    private static func slow(_ name: String, _ options: String = "", _ sections: String = "") -> String {
        """
        [Container]
        Image=localhost/own:1
        Network=none
        Exec=/bin/sleep infinity
        Volume=/run:/host
        HealthCmd=test -e /host/\(name)-is-well
        HealthInterval=500ms
        Notify=healthy
        StopTimeout=0
        \(options)
        \(sections)

        """
    }

    /// `start` waits for the check, and says so when it never succeeds.
    @Test func aContainerHasStartedWhenItIsHealthy() async throws {
        let machines = try currentMachines()
        try await makeImages(machines)
        let first = machines.all[0]
        let paths = try await first.write([
            ("ready.container", Self.slow("ready")),
            (
                "never.container",
                Self.slow("never", "HealthRetries=2\nHealthOnFailure=kill", "[X-Fleet]\nReschedule=never")
            ),
        ])
        try await first.machine.shell(
            "systemd-run --quiet sh -c 'fleetctl start \(paths[0]); echo $? >/run/start-returned'"
        )
        let place = try await machines.eventually("its check has failed twice") {
            let place = try await machines.place(of: "ready.service")
            let checks = try await place.machine.shell(
                "podman inspect systemd-ready --format '{{len .State.Health.Log}} {{.State.Health.Status}}' || true"
            )
            guard let count = checks.first?.wholeNumberValue, count >= 2 else { throw NotYet(checks) }
            return place
        }
        #expect(try await first.machine.shell("ls /run | grep start-returned || true") == "")
        #expect(try await place.property("ActiveState", of: "ready.service") == "activating")
        let never = try await first.ctl(["start", paths[1]])
        print("\(never)")
        #expect(never.status == 1 && never.standardError.contains("never.service"), "\(never)")

        #expect(try await first.machine.shell("ls /run | grep start-returned || true") == "", "it has not waited")
        try await place.machine.shell("touch /run/ready-is-well")
        try await machines.eventually("start returns") {
            let status = try await first.machine.shell("cat /run/start-returned || true")
            guard status == "0\n" else { throw NotYet(status) }
        }
        #expect(try await place.property("ActiveState", of: "ready.service") == "active")
        let health = try await place.machine.shell("podman inspect systemd-ready --format '{{.State.Health.Status}}'")
        #expect(health == "healthy\n")
        try await machines.destroy(["ready.container", "never.container"], "ready.service")
    }

    /// A web server on port 80 of the container, that answers 500 on a machine that has `/run/web-is-ill`. Its Perl is
    /// the machine's.
    private static let web = #"""
        [Container]
        Image=localhost/own:1
        PublishPort=8099:80
        Volume=/usr:/usr:ro
        Volume=/run:/host
        Exec=/usr/bin/perl /host/web.pl
        StopTimeout=0
        [Service]
        Restart=on-failure
        [X-Fleet]
        HealthHTTP=:8099/healthz
        HealthIntervalSec=1s
        HealthRetries=2

        """#

    private static let program = #"""
        use IO::Socket::INET;
        my $port = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1) or die $!;
        while (my $client = $port->accept) {
            my $line = <$client>;
            while (<$client> =~ /\S/) {}
            my $status = -e "/host/web-is-ill" ? "500 Ill" : "200 Fine";
            print $client "HTTP/1.1 $status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            close $client;
        }
        """#

    /// fleetd's check of a published port: the container is restarted, and then runs elsewhere.
    @Test func aPublishedPortIsChecked() async throws {
        let machines = try currentMachines()
        try await makeImages(machines)
        try await concurrently(machines.all) { try await $0.machine.write(Self.program, to: "/run/web.pl") }
        let paths = try await machines.all[0].write([("web.container", Self.web)])
        try await machines.all[0].ctl(["start"] + paths).checked()
        let first = try await machines.place(of: "web.service")
        try await expectHealthy("web.container", machines)
        let process = try await first.mainProcess(of: "web.service")
        try await first.machine.shell("touch /run/web-is-ill")
        try await machines.eventually("it is restarted where it is") {
            let now = try await first.mainProcess(of: "web.service")
            guard now != process, now > 0 else { throw NotYet("still process \(now)") }
        }
        try await machines.eventually("it runs elsewhere") {
            let place = try await machines.place(of: "web.service")
            guard place.machine.name != first.machine.name else { throw NotYet("it is where it was") }
        }
        try await expectHealthy("web.container", machines)
        let why = try await first.ctl(["why", "web.container"]).checked().standardOutput
        print(why)
        #expect(why.contains("unhealthy: health check failed 2 times") && why.contains("500"), "\(why)")
        try await machines.destroy(["web.container"], "web.service")
    }

    private func expectHealthy(_ unit: String, _ machines: Machines) async throws {
        try await machines.eventually("\(unit) is healthy") {
            let status = try await machines.all[1].ctl(["status", unit]).standardOutput
            guard status.contains("Health: healthy since") else { throw NotYet(status) }
        }
    }
}
