import Lab
import Testing

extension SystemTests {
    /// Units that run and are not well, on three machines.
    @Suite(.serialized, .machines(3, with: ["aardvark-dns", "crun", "netavark", "nftables", "podman"]))
    struct HealthTests {
        /// Writes down when each process began; its check says so, and fails on a machine that has `/run/bad-for-NAME`.
        private static func fragile(_ name: String, restart: String = "on-failure") -> String {
            UnitText.service(
                "/bin/bash -c 'echo $EPOCHREALTIME >>/run/\(name).began; exec sleep infinity'",
                service: "Restart=\(restart)",
                fleet: """
                    HealthCmd=if test -e /run/bad-for-\(name); then date +%%s.%%N >>/run/\(name).failed; \
                    echo the disk is on fire; exit 1; fi; echo fine
                    HealthIntervalSec=1s
                    """
            )
        }

        private func times(_ path: String, on fleet: Fleet) async throws -> [Double] {
            try await fleet.machine.shell("cat \(path) 2>/dev/null || true").split(separator: "\n")
                .compactMap { Double($0) }
        }

        @Test func aUnitThatIsNotWellIsRestartedThenMoved() async throws {
            let machines = try currentMachines()
            try await machines.all[0].start("fragile.service", Self.fragile("fragile"))
            let first = try await machines.place(of: "fragile.service")
            try await machines.eventually("it is healthy") {
                let status = try await machines.all[1].ctl(["status", "fragile.service"]).standardOutput
                guard status.contains("Health: healthy since") else { throw NotYet(status) }
            }
            let process = try await first.mainProcess(of: "fragile.service")
            try await first.machine.shell("touch /run/bad-for-fragile")
            try await machines.eventually("its check is seen to fail") {
                let status = try await machines.all[2].ctl(["status", "fragile.service"]).standardOutput
                guard status.contains("of 3)") && status.contains("the disk is on fire") else { throw NotYet(status) }
            }
            try await machines.eventually("it is restarted where it is") {
                let now = try await first.mainProcess(of: "fragile.service")
                guard now != process, now > 0 else { throw NotYet("still process \(now)") }
            }
            let second = try await machines.eventually("it runs elsewhere") {
                let place = try await machines.place(of: "fragile.service")
                guard place.machine.name != first.machine.name else { throw NotYet("it is where it was") }
                return place
            }
            let failed = try await times("/run/fragile.failed", on: first)
            let began = try #require(try await times("/run/fragile.began", on: second).last)
            let last = try #require(failed.last)
            print("\(failed.count) failed checks; the last to running elsewhere: \(Int((began - last) * 1000)) ms")
            #expect(failed.count >= 6 && began - last < 1)
            let why = try await second.ctl(["why", "fragile.service"]).checked().standardOutput
            #expect(
                why.contains("unhealthy: health check failed 3 times: exit status 1: the disk is on fire"),
                "\(why)"
            )
            #expect(why.contains("restarting it") && why.contains("moved"), "\(why)")
            let left = try await first.machine.shell("systemctl list-units --all --no-legend 'fleet-health-*'")
            #expect(left.isEmpty, "\(left)")
            try await machines.destroy(["fragile.service"], "fragile.service")
        }

        /// Nothing is stopped because fleetd is new, and no check tells anything while all is well.
        @Test func fleetdRestartsUnderAHealthyUnit() async throws {
            let machines = try currentMachines()
            try await machines.all[0].start("steady.service", Self.fragile("steady"))
            let place = try await machines.place(of: "steady.service")
            let process = try await place.mainProcess(of: "steady.service")
            try await place.machine.shell("systemctl restart fleetd.service")
            try await place.waitUntilReady(machines: 3)
            try await machines.eventually("it is healthy again") {
                let status = try await place.ctl(["status", "steady.service"]).standardOutput
                guard status.contains("Health: healthy since") else { throw NotYet(status) }
            }
            #expect(try await place.mainProcess(of: "steady.service") == process)
            try await machines.destroy(["steady.service"], "steady.service")
        }

        /// An image made of the machine's own shell, on every machine.
        func makeImages(_ machines: Machines) async throws {
            try await concurrently(machines.all) { fleet in
                try await fleet.machine.write(
                    "[containers]\nkeyring=false\npids_limit=0\n",
                    to: "/etc/containers/containers.conf"
                )
                try await fleet.machine.shell(
                    """
                    podman image exists localhost/own:1 && exit
                    cd / && tar -chf /root/own.tar bin/sh bin/sleep bin/test lib64/ld-linux-x86-64.so.2 \
                        lib/x86_64-linux-gnu/libc.so.6 && podman import -q /root/own.tar localhost/own:1
                    """
                )
            }
        }

        /// podman's own check kills the container, systemd sees it fail, and fleet moves it.
        @Test func aContainerKilledByItsCheckRunsElsewhere() async throws {
            let machines = try currentMachines()
            try await makeImages(machines)
            let text = """
                [Container]
                Image=localhost/own:1
                Exec=/bin/sh -c "exec /bin/sleep infinity"
                Volume=/run:/host
                HealthCmd=test ! -e /host/bad-for-box || { echo the disk is on fire; exit 1; }
                HealthInterval=1s
                HealthRetries=2
                HealthOnFailure=kill
                StopTimeout=0

                """
            let paths = try await machines.all[0].write([("box.container", text)])
            try await machines.all[0].ctl(["start"] + paths).checked()
            let first = try await machines.place(of: "box.service")
            let bad = try await first.machine.shell("touch /run/bad-for-box; date +%s.%N")
            let second = try await machines.eventually("it runs elsewhere", within: .seconds(60)) {
                let place = try await machines.place(of: "box.service")
                guard place.machine.name != first.machine.name else { throw NotYet("it is where it was") }
                return place
            }
            let now = try await second.machine.shell("date +%s.%N")
            print("bad to elsewhere: \((Double(now.dropLast()) ?? 0) - (Double(bad.dropLast()) ?? 0)) s")
            // conmon says no more than that the container ended with status 137.
            let why = try await second.ctl(["why", "box.service"]).checked().standardOutput
            #expect(
                why.contains("unhealthy, and ended by podman (main process exited with status 137)"),
                "\(why)"
            )
            #expect(why.contains("health check failed 2 times: exit status 1: the disk is on fire"), "\(why)")
            try await machines.destroy(["box.container"], "box.service")
        }
    }
}
