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

        /// Pods are held by the same image, for the one that podman makes for that needs a program more.
        private static let infra = "infra_image=\"localhost/own:1\"\n"

        static let sleeper =
            "[Container]\nImage=localhost/own:1\nExec=/bin/sleep infinity\nStopTimeout=0\n"

        /// An image made of the machine's own shell, so that none has to be fetched. Alone it ends when it is asked to,
        /// as podman's own does that holds a pod: sleep(1) as the first process of a container would not.
        func makeImage(_ fleet: Fleet) async throws {
            try await fleet.machine.write(
                "[containers]\nkeyring=false\npids_limit=0\n[engine]\n\(Self.infra)",
                to: "/etc/containers/containers.conf"
            )
            try await fleet.machine.shell(
                """
                cd / && tar -chf /root/own.tar bin/sh bin/cat bin/sleep lib64/ld-linux-x86-64.so.2 \
                    lib/x86_64-linux-gnu/libc.so.6
                podman import -q -c 'CMD ["/bin/sh", "-c", "trap \\"exit 0\\" TERM; /bin/sleep infinity & wait"]' \
                    /root/own.tar localhost/own:1
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

            // Another image, and what the first container wrote is there.
            try await fleet.machine.shell("podman import -q -c 'ENV AGE=new' /root/own.tar localhost/own:2")
            let other = Self.web.replacing("echo one", with: "echo two").replacing("own:1", with: "own:2")
            try await fleet.machine.write(other, to: paths[0])
            try await fleet.ctl(["start", "--replace", paths[0]]).checked()
            try await fleet.expect("web.service", .running)
            let image = try await fleet.machine.shell("podman ps --format '{{.Names}} {{.Image}}'")
            #expect(image == "systemd-web localhost/own:2\n")
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

        func kinds(_ fleet: Fleet) async throws -> [String] {
            let table = try await fleet.ctl(["list-units", "--no-legend"]).checked()
            return table.lines.map { line in
                let words = line.split(whereSeparator: \.isWhitespace)
                return (words.prefix(1) + words.suffix(3)).joined(separator: " ")
            }
        }

        @Test func templatesImagesAndBuilds() async throws {
            let fleet = try currentFleet()
            try await makeImage(fleet)
            try await fleet.machine.shell(
                """
                podman tag localhost/own:1 localhost/saved:1 && rm -f /root/saved.tar
                podman save -q -o /root/saved.tar localhost/saved:1
                podman untag localhost/saved:1 localhost/saved:1
                printf 'FROM localhost/own:1\nENV A=b\n' >/root/Containerfile
                """
            )
            let rest = Self.sleeper.replacing("Image=localhost/own:1\n", with: "")
            let paths = try await fleet.write([
                ("web@.container", Self.sleeper + "Environment=NUMBER=%i\n"),
                ("saved.image", "[Image]\nImage=docker-archive:/root/saved.tar\nImageTag=localhost/saved:1\n"),
                ("built.build", "[Build]\nImageTag=localhost/built:1\nFile=/root/Containerfile\n"),
                ("one.container", rest + "Image=saved.image\n"), ("two.container", rest + "Image=built.build\n"),
            ])
            let instances = ["1", "2"].map { paths[0].replacing("@.container", with: "@\($0).container") }
            try await fleet.ctl(["start"] + instances + paths.suffix(2)).checked()
            #expect(
                try await kinds(fleet) == [
                    "one.service active running container", "two.service active running container",
                    "web@1.service active running container", "web@2.service active running container",
                ]
            )
            let number = try await fleet.machine.shell("podman exec systemd-web_2 /bin/sh -c 'echo $NUMBER'")
            #expect(number == "2\n")
            try await fleet.ctl(
                [
                    "destroy", "web@1.container", "web@2.container", "one.container", "two.container", "saved.image",
                    "built.build",
                ]
            ).checked()
            _ = try await fleet.ctl(["destroy", "web@.container"])
            #expect(try await fleet.machine.shell("podman ps -aq") == "")
        }

        @Test func containersOfAPod() async throws {
            let fleet = try currentFleet()
            try await makeImage(fleet)
            let paths = try await fleet.write([
                ("app.pod", "[Pod]\n"), ("one.container", Self.sleeper + "Pod=app.pod\n"),
                ("two.container", Self.sleeper + "Pod=app.pod\n"),
            ])
            try await fleet.ctl(["start"] + paths.dropFirst()).checked()
            #expect(
                try await kinds(fleet) == [
                    "one.service active running container", "two.service active running container",
                ]
            )
            let pods = try await fleet.machine.shell(
                "podman pod ps --format '{{.Name}} {{.NumberOfContainers}}' | sort"
            )
            #expect(pods.contains("systemd-app 3\n"), "\(pods)")
            try await fleet.ctl(["stop", "one.container"]).checked()
            try await fleet.expect("two.service", .running)
            try await fleet.ctl(["destroy", "one.container", "two.container", "app.pod"]).checked()
            #expect(try await fleet.machine.shell("podman ps -aq") == "")
        }

        /// Started by its name too, a network is not taken from under those that use it.
        @Test func whatIsInUseIsLeftToItsUsers() async throws {
            let fleet = try currentFleet()
            try await makeImage(fleet)
            let paths = try await fleet.write([
                ("web.container", Self.sleeper + "Network=app.network\n"), ("app.network", "[Network]\n"),
            ])
            let reloads = try await fleet.reloads()
            try await fleet.ctl(["start", paths[1]]).checked()
            try await fleet.ctl(["start", paths[0]]).checked()
            let process = try await fleet.mainProcess(of: "web.service")
            let stop = try await fleet.ctl(["stop", "app.network"])
            #expect(stop.standardError.contains("app.network is needed by web.service, which should run"), "\(stop)")
            try await fleet.ctl(["unload", "app.network"]).checked()
            #expect(try await fleet.mainProcess(of: "web.service") == process)
            let kube = try await fleet.ctl(["destroy", "web.kube"])
            #expect(
                kube.standardError.contains("web.service is stored from web.container, not from web.kube"),
                "\(kube)"
            )
            try await fleet.ctl(["destroy", "web.container", "app.network"]).checked()
            #expect(try await fleet.machine.shell("podman network ls -q --filter name=systemd-app") == "systemd-app\n")
            #expect(try await fleet.reloads() <= reloads + 1)
            let left = try await fleet.machine.shell("ls -A /run/fleet/companions")
            #expect(left == "")
        }
    }
}
