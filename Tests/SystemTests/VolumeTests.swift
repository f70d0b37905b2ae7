import Lab
import Testing

extension SystemTests {
    /// A container with a volume, on machines whose disks survive what becomes of them.
    @Suite(
        .serialized,
        .machines(3, etcd: 1, with: ["aardvark-dns", "crun", "netavark", "nftables", "podman"], keepsContainers: true)
    )
    struct VolumeTests {
        private static func keeper(_ word: String) -> String {
            """
            [Unit]
            StartLimitIntervalSec=60
            StartLimitBurst=2
            [Container]
            Image=localhost/own:1
            Network=none
            Volume=data.volume:/data
            Environment=WORD=\(word)
            Exec=/bin/sh -c "echo \(word) >>/data/log; exec /bin/sleep infinity"
            StopTimeout=0
            [Service]
            Restart=on-failure
            RestartSec=100ms

            """
        }

        private static let log = "cat /var/lib/containers/storage/volumes/systemd-data/_data/log || true"

        private func makeImages(_ machines: Machines) async throws {
            try await concurrently(machines.all) { fleet in
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
        }

        /// Waits until the volume is listed in these states, machine by machine.
        private func expectVolumes(
            _ fleet: Fleet,
            _ wanted: [(machine: Fleet, state: String)],
            within limit: Duration = .seconds(90)
        ) async throws {
            let lines = try wanted.map { "systemd-data \(try $0.machine.machineID()) \($0.state)" }.sorted()
            try await fleet.machine.eventually("volumes are \(lines)", within: limit) {
                let said = try await fleet.ctl([
                    "volumes", "--no-legend", "--full", "--fields", "volume,machine,state",
                ]).checked()
                let found = said.lines.map { line in
                    let cells = line.split(separator: "\t").map { $0.split(separator: " ").joined(separator: " ") }
                    return
                        "\(cells[0]) \(cells[1].split(separator: "/")[0]) \(cells.dropFirst(2).joined(separator: " "))"
                }
                guard found.sorted() == lines else { throw NotYet("\(found)") }
            }
        }

        private func expectLog(_ fleet: Fleet, _ words: [String]) async throws {
            let text = words.map { $0 + "\n" }.joined()
            try await fleet.machine.eventually("the volume has \(words)", within: Fleet.patience) {
                let found = try await fleet.machine.shell(Self.log)
                guard found == text else { throw NotYet(found) }
            }
        }

        @Test func theDataStayAndTheUnitWithThem() async throws {
            let machines = try currentMachines()
            try await makeImages(machines)
            // The one with the registry has to stay.
            let desk = machines.all[0]
            try await desk.ctl(["cordon", desk.machineID()]).checked()
            let paths = try await desk.write([
                ("keeper.container", Self.keeper("one")), ("data.volume", "[Volume]\n"),
            ])
            try await desk.ctl(["start", paths[0]]).checked()
            let home = try await machines.place(of: "keeper.service")
            let other = machines.others(than: home).first { $0.machine.name != desk.machine.name } ?? desk
            try await expectLog(home, ["one"])
            try await expectVolumes(desk, [(home, "in use")])

            try await home.machine.powerCut()
            let why = try await desk.expectWhy("keeper.container", says: "which is not present (VolumePolicy=sticky")
            print(why)
            try await expectVolumes(desk, [(home, "lost with its machine")])
            #expect(try await other.machine.shell("podman ps -aq") == "")
            #expect(try await desk.machine.shell("podman ps -aq") == "")
            try await home.machine.bootAgain()
            _ = try await machines.expectOneEach(["keeper.service"], "keeper.service", on: [home])
            try await expectLog(home, ["one", "one"])
            try await expectVolumes(desk, [(home, "in use")])

            try await failForGood(home, desk)
            _ = try await machines.expectOneEach(["keeper.service"], "keeper.service", on: [home])
            let told = try await desk.ctl(["events", "-n", "100", "keeper.container"]).checked().standardOutput
            #expect(told.contains("status 137 after 2 automatic restarts"), "\(told)")
            try await desk.machine.write(Self.keeper("two"), to: paths[0])
            try await desk.ctl(["start", "--replace", paths[0]]).checked()
            _ = try await machines.expectOneEach(["keeper.service"], "keeper.service", on: [home])
            // Some of those that were killed had no time to write.
            try await home.machine.eventually("the volume has what all wrote", within: Fleet.patience) {
                let text = try await home.machine.shell(Self.log)
                guard text.hasPrefix("one\none\n"), text.hasSuffix("one\ntwo\n") else { throw NotYet(text) }
            }

            // Nothing of it was ever begun there.
            #expect(try await other.machine.shell("podman volume ls -q") == "")
            try await expectVolumes(desk, [(home, "in use")])
            let refused = try await desk.ctl(["move", "keeper.container", other.machineID()])
            #expect(refused.standardError.contains("--lose-volumes"), "\(refused)")
            try await desk.ctl(["move", "--lose-volumes", "keeper.container", other.machineID()]).checked()
            _ = try await machines.expectOneEach(["keeper.service"], "keeper.service", on: [other])
            try await expectLog(other, ["two"])
            try await expectVolumes(desk, [(home, "left behind"), (other, "in use")])

            try await desk.ctl(["destroy", "keeper.container", "data.volume"]).checked()
            try await expectVolumes(desk, [(home, "orphan"), (other, "orphan")])
            #expect(try await home.machine.shell(Self.log).hasPrefix("one\n"))
        }

        /// Ends the container again and again until systemd does not start it any more.
        private func failForGood(_ home: Fleet, _ desk: Fleet) async throws {
            try await home.machine.eventually("it has failed for good and is tried again", within: Fleet.patience) {
                _ = try await home.machine.run(["podman", "kill", "--signal", "KILL", "systemd-keeper"])
                let told = try await desk.ctl(["events", "-n", "100", "keeper.container"]).checked().standardOutput
                guard told.contains("tried again on") else { throw NotYet(told) }
            }
        }
    }
}
