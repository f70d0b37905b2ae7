import Lab
import Testing

extension SystemTests {
    /// Containers from Quadlet files, with the machine's own podman.
    @Suite(.serialized, .machine(with: ["aardvark-dns", "crun", "netavark", "nftables", "podman"]))
    struct QuadletTests {
        private static let web = """
            [Container]
            Image=localhost/own:1
            Network=app.network
            Volume=data.volume:/data
            Exec=/bin/sh -c "echo one >>/data/log; exec /bin/sleep infinity"
            StopTimeout=0

            """

        /// An image made of the machine's own shell, so that none has to be fetched.
        private func makeImage(_ fleet: Fleet) async throws {
            try await fleet.machine.write(
                "[containers]\nkeyring=false\npids_limit=0\n",
                to: "/etc/containers/containers.conf"
            )
            try await fleet.machine.shell(
                """
                cd / && tar -chf /root/own.tar bin/sh bin/sleep lib64/ld-linux-x86-64.so.2 \
                    lib/x86_64-linux-gnu/libc.so.6 && podman import -q /root/own.tar localhost/own:1
                """
            )
        }

        @Test func lifeOfAContainer() async throws {
            let fleet = try currentFleet()
            try await makeImage(fleet)
            let paths = try await fleet.write([
                ("web.container", Self.web), ("app.network", "[Network]\n"), ("data.volume", "[Volume]\n"),
            ])
            let reloads = try await fleet.reloads()
            try await fleet.ctl(["start", paths[0]]).checked()
            try await fleet.expect("web.service", .running)
            #expect(try await fleet.reloads() == reloads)
            #expect(try await fleet.machine.shell("podman ps --format '{{.Names}}'") == "systemd-web\n")
            let kinds = try await fleet.ctl(["list-unit-files", "--no-legend", "--fields", "unit,kind,dstate"])
                .checked()
            #expect(
                kinds.lines.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") } == [
                    "app-network.service network inactive", "data-volume.service volume inactive",
                    "web.service container launched",
                ]
            )
            for name in ["web.container", "web.service"] {
                #expect(try await fleet.ctl(["cat", name]).checked().standardOutput == Self.web)
            }

            let process = try await fleet.mainProcess(of: "web.service")
            try await fleet.machine.shell("systemctl restart fleetd.service")
            try await fleet.waitUntilReady()
            try await fleet.expect("web.service", .running)
            #expect(try await fleet.mainProcess(of: "web.service") == process)

            let other = Self.web.split(separator: "echo one").joined(separator: "echo two")
            try await fleet.machine.write(other, to: paths[0])
            try await fleet.ctl(["start", "--replace", paths[0]]).checked()
            try await fleet.expect("web.service", .running)
            let log = "cat /var/lib/containers/storage/volumes/systemd-data/_data/log"
            try await fleet.machine.eventually("the volume has what both wrote", within: Fleet.patience) {
                let text = try await fleet.machine.shell(log)
                guard text == "one\ntwo\n" else { throw NotYet(text) }
            }

            let early = try await fleet.ctl(["destroy", "app.network"])
            #expect(early.standardError.contains("app.network is needed by web.service"))
            try await fleet.ctl(["destroy", "web.container", "app.network", "data.volume"]).checked()
            #expect(try await fleet.machine.shell("podman ps -aq") == "")
            let left = try await fleet.machine.shell("ls -A /run/fleet/units /run/fleet/companions /run/fleet/quadlet")
            #expect(left == "/run/fleet/companions:\n\n/run/fleet/quadlet:\n\n/run/fleet/units:\n")
        }

        @Test func aNewerPodmanIsWaitedFor() async throws {
            let fleet = try currentFleet()
            let text = "[Container]\nImage=localhost/own:1\nAppArmor=unconfined\n"
            let paths = try await fleet.write([("new.container", text)])
            try await fleet.ctl(["start", "--no-block"] + paths).checked()
            try await fleet.expectWhy("new.service", says: "podman 5.8 is needed (AppArmor= in [Container])")
            try await fleet.destroy("new.service")
        }

        /// What the machine that was asked could not know, because it had no podman then, the one that tries tells.
        @Test func whatPodmanSaysOnTheMachineIsTold() async throws {
            let fleet = try currentFleet()
            try await makeImage(fleet)
            let text = "[Container]\nImage=localhost/own:1\nExec=/bin/sleep infinity\nStopTimeout=0\n"
            let paths = try await fleet.write([("port.container", text + "ExposeHostPort=many\n")])
            let generator = "/usr/libexec/podman/quadlet"
            try await fleet.machine.shell("chmod -x \(generator)")
            let away = try await fleet.ctl(["start", paths[0]])
            #expect(away.standardError.contains("Quadlet generator cannot be run"), "\(away)")
            try await fleet.machine.shell("chmod +x \(generator)")
            try await fleet.ctl(["unload", "port.container"]).checked()
            let start = try await fleet.ctl(["start", "port.container"])
            let words = "podman does not accept port.container: "
            #expect(!start.succeeded && start.standardError.contains(words), "\(start)")
            for command in ["status", "why", "events"] {
                let told = try await fleet.ctl([command, "port.container"])
                #expect(told.standardOutput.contains(words), "\(told)")
                print(told.standardOutput)
            }
            try await fleet.machine.write(text, to: paths[0])
            try await fleet.ctl(["start", "--replace", paths[0]]).checked()
            try await fleet.expect("port.service", .running)
            try await fleet.destroy("port.service")
        }

        @Test func mistakesAreFoundBeforeAnythingIsStored() async throws {
            let fleet = try currentFleet()
            let paths = try await fleet.write([
                ("bad.container", "[Container]\nImge=localhost/own:1\n"),
                ("lonely.container", "[Container]\nImage=localhost/own:1\nNetwork=none.network\n"),
                ("port.container", "[Container]\nImage=localhost/own:1\nExposeHostPort=many\n"),
            ])
            let bad = try await fleet.ctl(["submit", paths[0]])
            #expect(bad.standardError.contains("bad.container:2:1: unknown key Imge="))
            let lonely = try await fleet.ctl(["submit", paths[1]])
            #expect(lonely.standardError.contains("lonely.container:3:9: Network= names none.network"))
            // Only podman knows what a port is.
            let port = try await fleet.ctl(["submit", paths[2]])
            #expect(port.standardError.contains("port.container: podman does not accept port.container: "))
            #expect(try await fleet.ctl(["list-unit-files", "--no-legend"]).checked().lines.isEmpty)
        }
    }
}
