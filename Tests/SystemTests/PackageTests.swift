import Lab
import Testing

extension SystemTests {
    /// The packages' own life, on every Debian they are for.
    @Suite(.serialized) struct PackageTests {
        @Test(arguments: Debian.allCases) func installUpgradeRemovePurge(suite: Debian) async throws {
            try await Lab.with { lab in
                let machine = try await lab.boot("deb", suite: suite)
                let fleet = Fleet(machine: machine)
                try await fleet.install()
                try await expectInstalled(fleet)

                try await fleet.start("keep.service", UnitText.sleeper)
                let process = try await fleet.mainProcess(of: "keep.service")
                try await machine.shell("echo '# mine' >>/etc/fleet/fleet.conf")

                var packages: [DebPackage] = []
                for package in DebPackage.built() {
                    packages.append(try await package.rebuilt(asVersionSuffix: "+next", in: machine.scratch))
                }
                try await machine.install(packages)
                try await fleet.waitUntilReady()
                #expect(try await fleet.mainProcess(of: "keep.service") == process, "the upgrade touched a unit")
                #expect(try await machine.shell("tail -n 1 /etc/fleet/fleet.conf") == "# mine\n")

                try await machine.run(["dpkg", "--remove", "fleetd", "fleetctl"]).checked()
                #expect(try await fleet.mainProcess(of: "keep.service") == process, "removal touched a unit")
                #expect(try await fleet.property("LoadState", of: "fleetd.service") == "not-found")
                #expect(
                    try await machine.shell("test -d /var/lib/fleet && tail -n 1 /etc/fleet/fleet.conf") == "# mine\n"
                )

                let purge = try await machine.run(["dpkg", "--purge", "fleetd", "fleetctl"]).checked()
                #expect(purge.standardOutput.contains("keep.service"), "purge does not say what is left: \(purge)")
                #expect(try await fleet.mainProcess(of: "keep.service") == process, "purge touched a unit")
                let left = try await machine.run(["ls", "-d", "/var/lib/fleet", "/etc/fleet", "/run/fleet.sock"])
                #expect(left.standardOutput.isEmpty, "\(left)")
                try await machine.shell("systemctl stop keep.service")
                #expect(try await machine.shell("systemctl is-system-running || true") == "running\n")
            }
        }

        /// After a removal, a new installation finds the units that kept running.
        @Test func removedAndInstalledAgain() async throws {
            try await Lab.with { lab in
                let fleet = Fleet(machine: try await lab.boot("again"))
                try await fleet.install()
                try await fleet.start("keep.service", UnitText.sleeper)
                let process = try await fleet.mainProcess(of: "keep.service")
                try await fleet.machine.run(["dpkg", "--remove", "fleetd", "fleetctl"]).checked()
                try await fleet.install()
                try await fleet.expect("keep.service", .running)
                #expect(try await fleet.mainProcess(of: "keep.service") == process)
                try await fleet.destroy("keep.service")
            }
        }

        private func expectInstalled(_ fleet: Fleet) async throws {
            let machine = fleet.machine
            #expect(try await machine.shell("stat -c '%a %U %G' /run/fleet.sock") == "660 root fleet\n")
            #expect(try await machine.shell("stat -c '%a %U' /var/lib/fleet") == "700 root\n")
            #expect(try await machine.shell("stat -c '%a %U' /run/fleet/credentials.sock") == "600 root\n")
            for unit in ["fleetd.service", "fleetd.socket", "fleetd-credentials.socket"] {
                #expect(try await machine.shell("systemctl is-enabled \(unit)") == "enabled\n")
                #expect(try await machine.shell("systemctl is-active \(unit)") == "active\n")
            }
            #expect(try await fleet.property("StatusText", of: "fleetd.service") != "")
            // What the packages bring is enough: nothing is missing, and no runtime of the build host is asked for.
            for binary in ["fleetd", "fleetctl"] {
                let libraries = try await machine.shell("ldd /usr/bin/\(binary)")
                #expect(!libraries.contains("not found") && !libraries.contains("libswift"), "\(libraries)")
            }
            let version = try await fleet.ctl(["version"]).checked().standardOutput
            #expect(version.hasPrefix("fleetctl version "))
        }

        @Test(.machine()) func membersOfTheGroupMayAndOthersMayNot() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.shell("useradd alice -G fleet; useradd bob")
            let alice = try await fleet.machine.run([
                "setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "fleetctl", "list-machines",
            ])
            #expect(alice.succeeded, "\(alice)")
            let bob = try await fleet.machine.run([
                "setpriv", "--reuid=bob", "--regid=bob", "--init-groups", "fleetctl", "list-machines",
            ])
            #expect(bob.status == 1 && bob.standardError.contains("fleet"), "\(bob)")
        }

        @Test(.machine()) func aWrongKeyStopsFleetdWithItsLine() async throws {
            let fleet = try currentFleet()
            try await fleet.start("still.service", UnitText.sleeper)
            let process = try await fleet.mainProcess(of: "still.service")
            try await fleet.machine.write("# one\nmetadat=\"a=b\"\n", to: "/etc/fleet/fleet.conf")
            let check = try await fleet.machine.run(["fleetd"], limit: .seconds(5))
            #expect(check.status != 0 && check.standardError.contains("/etc/fleet/fleet.conf:2"), "\(check)")
            // A reload with a wrong file keeps the old one; fleetd goes on.
            _ = try await fleet.machine.run(["systemctl", "reload", "fleetd.service"])
            try await fleet.waitUntilReady()
            #expect(try await fleet.mainProcess(of: "still.service") == process)
            try await fleet.machine.write("metadata=\"a=b\"\n", to: "/etc/fleet/fleet.conf")
            try await fleet.machine.shell("systemctl reload fleetd.service")
            try await fleet.machine.eventually("the new metadata is there") {
                let list = try await fleet.ctl(["list-machines", "--no-legend"]).checked()
                guard list.standardOutput.contains("a=b") else { throw NotYet("\(list)") }
            }
        }
    }
}
