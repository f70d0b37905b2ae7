import Lab
import Testing

extension SystemTests.QuadletTests {
    /// One of the two does not end when it is asked to: as the first process of a container, sleep(1) ignores SIGTERM.
    private static let yaml = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: app
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: one
            image: localhost/own:1
            command: ["/bin/sleep", "infinity"]
          - name: two
            image: localhost/own:1
            command: ["/bin/sh", "-c", "echo two >/two; trap 'exit 0' TERM; /bin/sleep infinity & wait"]

        """

    @Test func thePodOfAKubeFile() async throws {
        let fleet = try currentFleet()
        try await makeImage(fleet)
        try await fleet.machine.write(Self.yaml, to: "/root/app.yaml")
        let paths = try await fleet.write([("app.kube", "[Kube]\nYaml=/root/app.yaml\n")])
        try await fleet.ctl(["submit"] + paths).checked()
        #expect(try await fleet.machine.shell("podman ps -aq") == "")
        try await fleet.ctl(["start", "app.kube"]).checked()
        #expect(try await kinds(fleet) == ["app.service active running kube"])
        let names = try await fleet.machine.shell("podman ps --filter pod=app --format '{{.Names}}' | sort")
        print(names)
        #expect(names.contains("app-one\napp-two\n"))
        #expect(try await fleet.machine.shell("podman exec app-two /bin/cat /two") == "two\n")
        let stopping = ContinuousClock.now
        try await fleet.ctl(["stop", "app.kube"]).checked()
        try await fleet.expect("app.service", .dead)
        print("stopped in \(ContinuousClock.now - stopping)")
        #expect(try await fleet.machine.shell("podman ps -aq; podman pod ps -q") == "")
        try await fleet.ctl(["destroy", "app.kube"]).checked()
    }
}
