import Testing

@testable import fleetctl

@Suite struct GlobalOptionsTests {
    @Test(arguments: [
        ("unix:///run/fleet.sock", "/run/fleet.sock"),
        ("file:///var/run/fleet.sock", "/var/run/fleet.sock"),
        ("unix:///a,unix:///b", "/a"),
        ("unix://x/y", nil),
        ("unix:///", nil),
        ("/run/fleet.sock", nil),
        ("http://127.0.0.1:49153", nil),
        ("https://fleet.example", nil),
        ("ftp://x", nil),
        (",", nil),
        ("", nil),
    ])
    func endpoint(_ url: String, _ path: String?) {
        #expect((try? Endpoint.first(of: url))?.0.path == path)
    }

    @Test func tcpIsRefusedWithTheWayOut() async {
        let result = await CommandResult.of(["list-units", "--endpoint", "http://10.0.0.1:49153"])
        #expect(result.status == 2)
        #expect(result.errors.contains("ssh -N -L /tmp/fleet.sock:/run/fleet.sock"))
    }

    @Test(
        arguments: [
            (["--tunnel", "host"], [:], 2, "ssh -N -L /tmp/fleet.sock:/run/fleet.sock host"),
            ([], ["FLEETCTL_TUNNEL": "host"], 2, "--tunnel is refused"),
            (["--driver=etcd"], [:], 2, "--driver etcd is refused"),
            (["--driver=API"], [:], 1, "cannot connect"),
            (["--experimental-api=true", "--strict-host-key-checking=false"], [:], 1, "cannot connect"),
            (["--ssh-username", "core", "--known-hosts-file=x"], [:], 1, "cannot connect"),
            (["--etcd-key-prefix=/x"], [:], 1, "warning: --etcd-key-prefix has no effect"),
            (["--request-timeout=abc"], [:], 2, "invalid --request-timeout \"abc\""),
            (["--request-timeout=0"], [:], 2, "invalid --request-timeout"),
            ([], ["FLEETCTL_REQUEST_TIMEOUT": "-1"], 2, "invalid --request-timeout"),
            ([], ["FLEETCTL_DEBUG": "perhaps"], 2, "invalid FLEETCTL_DEBUG"),
            ([], ["FLEETCTL_DEBUG": "true"], 1, "debug: GET /fleet/v2/units on /nonexistent/fleet.sock"),
            (["--debug"], ["FLEETCTL_REQUEST_TIMEOUT": ""], 1, "debug: GET /fleet/v2/units"),
            (["--endpoint=unix:///nonexistent/fleet.sock,unix:///b"], [:], 1, "only the first endpoint is used"),
        ] as [([String], [String: String], Int32, String)]
    )
    func globalOptions(_ options: [String], _ variables: [String: String], _ status: Int32, _ text: String) async {
        var environment = variables
        environment["FLEETCTL_ENDPOINT"] = "unix:///nonexistent/fleet.sock"
        let result = await CommandResult.of(options + ["list-units"], environment: environment)
        #expect(result.status == status)
        #expect(result.errors.contains(text), "\(result.errors)")
        #expect(result.output == "")
    }
}
