import Lab
import Testing

extension SystemTests {
    /// A running fleet of one machine goes from the embedded registry to etcd and back, and its units do not notice.
    @Suite(.serialized, .machine()) struct RegistryMoveTests {
        /// What users can see of the fleet, but for the times of day.
        private func look(_ fleet: Fleet) async throws -> String {
            let commands = [
                ["list-unit-files", "--full"], ["list-units", "--full"], ["cat", "mover@.service"],
                ["why", "--json", "mover@7.service"], ["list-machines", "--full", "--fields", "machine,metadata"],
            ]
            var text = ""
            for command in commands { text += try await fleet.ctl(command).checked().standardOutput }
            return text
        }

        private static let canary = Canary("canary-3301-cicada")

        /// Starts what needs a secret anew, in systemd and in fleet, and sees that it has got it.
        private func expectSecret(_ fleet: Fleet) async throws {
            for command in ["systemctl restart keeper.service", "fleetctl restart keeper.service"] {
                let script = "rm -f /run/keeper; \(command) >/run/said; cat /run/keeper"
                #expect(try await fleet.machine.shell(script) == Self.canary.text)
            }
            try await Self.canary.expectNowhere(on: fleet)
        }

        private func export(_ fleet: Fleet) async throws {
            try await fleet.machine.shell("fleetctl registry export >/root/export")
        }

        /// Points fleetd to a registry without a fleet, sees that it holds still, and brings the fleet there.
        private func move(_ fleet: Fleet, _ settings: String, _ processes: [String: Int]) async throws {
            try await export(fleet)
            try await fleet.machine.write(settings, to: "/etc/fleet/fleet.conf")
            try await fleet.machine.shell(
                """
                systemctl stop fleetd.service
                mkdir -p /root/old && mv /var/lib/fleet/registry.db* /root/old/ || true
                systemctl start fleetd.service
                """
            )
            try await fleet.machine.eventually("fleetd says what is missing", within: Fleet.patience) {
                let list = try await fleet.ctl(["list-units"])
                guard list.status == 1, list.standardError.contains("registry import") else { throw NotYet("\(list)") }
            }
            let refusal = try await fleet.ctl(["stop", "mover@1.service"])
            #expect(refusal.status == 1, "\(refusal)")
            #expect(try await fleet.mainProcesses("mover@*.service") == processes)
            try await fleet.ctl(["registry", "import", "/root/export"]).checked()
            try await fleet.waitUntilReady()
        }

        @Test func twentyUnitsGoToEtcdAndBack() async throws {
            let fleet = try currentFleet()
            let etcd = Etcd(members: [fleet.machine])
            try await etcd.start()
            let names = (1...20).map { "mover@\($0).service" }
            let paths = try await fleet.write([("mover@.service", UnitText.sleeper)])
            try await fleet.ctl(["submit"] + paths).checked()
            try await fleet.ctl(["start"] + names).checked()
            try await fleet.ctl(["load", "mover@21.service"]).checked()
            try await fleet.machine.write(Self.canary.text, to: "/run/incoming")
            try await fleet.machine.shell("fleetctl secret set kept - </run/incoming; rm /run/incoming")
            let keeper = UnitText.service(
                "/bin/sleep infinity",
                service: "ExecStartPre=/bin/cp ${CREDENTIALS_DIRECTORY}/kept /run/keeper",
                fleet: "Secret=kept"
            )
            try await fleet.start("keeper.service", keeper)
            try await fleet.expect(names, .running)
            let processes = try await fleet.mainProcesses("mover@*.service")
            #expect(processes.count == 20)
            let before = try await look(fleet)

            try await move(fleet, etcd.settings, processes)
            try await fleet.expect(names, .running)
            #expect(try await look(fleet) == before)
            #expect(try await fleet.mainProcesses("mover@*.service") == processes)
            #expect(try await etcd.value("/fleet/meta/format") != nil)
            try await expectSecret(fleet)

            let again = try await fleet.ctl(["registry", "import", "/root/export"])
            #expect(again.status == 1 && again.standardError.contains("has a fleet in it"), "\(again)")
            let damaged = try await fleet.machine.shell("head -n -1 /root/export >/root/cut; echo done")
            #expect(damaged == "done\n")
            let cut = try await fleet.ctl(["registry", "import", "/root/cut"])
            #expect(cut.status == 1 && cut.standardError.contains("/root/cut"), "\(cut)")

            // The fleet is alive there: what is done now has to come back too.
            try await fleet.ctl(["stop", "mover@20.service"]).checked()
            try await fleet.start("fresh.service", UnitText.sleeper)
            let fresh = try await fleet.mainProcess(of: "fresh.service")
            let nineteen = try await fleet.mainProcesses("mover@*.service")
            #expect(nineteen.count == 19 && nineteen.allSatisfy { processes[$0.key] == $0.value })

            try await move(fleet, "registry = embedded\n", nineteen)
            try await fleet.expect(Array(names.dropLast()) + ["fresh.service"], .running)
            #expect(try await fleet.mainProcesses("mover@*.service") == nineteen)
            #expect(try await fleet.mainProcess(of: "fresh.service") == fresh)
            try await expectSecret(fleet)
            try await fleet.ctl(["restart", "fresh.service"]).checked()
            try await fleet.destroy("fresh.service", "keeper.service")
        }

        @Test func anEmptyRegistryStopsNothingBeforeSomebodySaysSo() async throws {
            let fleet = try currentFleet()
            try await fleet.start("orphan.service", UnitText.sleeper)
            let process = try await fleet.mainProcess(of: "orphan.service")
            try await fleet.machine.shell(
                "systemctl stop fleetd.service; rm /var/lib/fleet/registry.db*; systemctl start fleetd.service"
            )
            try await fleet.machine.eventually("fleetd says what is missing", within: Fleet.patience) {
                let list = try await fleet.ctl(["list-units"])
                guard list.standardError.contains("registry import") else { throw NotYet("\(list)") }
            }
            #expect(try await fleet.mainProcess(of: "orphan.service") == process)
            try await fleet.ctl(["registry", "import", "--empty"]).checked()
            try await fleet.waitUntilReady()
            try await fleet.machine.eventually("orphan.service is stopped") {
                let load = try await fleet.property("LoadState", of: "orphan.service")
                guard load == "not-found" else { throw NotYet(load) }
            }
        }
    }
}
