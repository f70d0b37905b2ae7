import Lab
import Testing

extension SystemTests.QuadletTests {
    /// The program writes down what it reads in a folder in memory, which is not searched.
    private static let reader = """
        [Container]
        Image=localhost/own:1
        Network=none
        Secret=db,target=/etc/db
        Volume=/run/got:/got
        Exec=/bin/sh -c "/bin/cat /etc/db >/got/db; exec /bin/sleep infinity"
        StopTimeout=0

        """

    /// podman itself would keep it in plain text.
    @Test func aSecretOfAContainerIsOnNoDisk() async throws {
        let fleet = try currentFleet()
        try await makeImage(fleet)
        let canary = Canary("canary-6174-kaprekar")
        try await fleet.machine.write(canary.text, to: "/run/incoming")
        try await fleet.machine.shell("mkdir -p /run/got; fleetctl secret set db - </run/incoming; rm /run/incoming")
        let paths = try await fleet.write([("reader.container", Self.reader)])
        try await fleet.ctl(["start"] + paths).checked()
        try await fleet.expect("reader.service", .running)
        try await fleet.machine.eventually("the program has read it", within: Fleet.patience) {
            let text = try await fleet.machine.shell("cat /run/got/db || true")
            guard text == canary.text else { throw NotYet("\(text.count) bytes") }
        }
        // While it runs and when it does not: what podman keeps is different.
        try await canary.expectNowhere(on: fleet)
        let said = try await fleet.machine.shell("podman inspect systemd-reader; podman secret ls")
        #expect(said.contains("systemd-reader") && !said.contains(canary.text))
        try await fleet.ctl(["stop", "reader.container"]).checked()
        try await canary.expectNowhere(on: fleet)
        try await fleet.destroy("reader.service")
        try await fleet.ctl(["secret", "remove", "db"]).checked()
    }
}
