import Lab
import Testing

extension SystemTests {
    /// Fifty units run; whatever happens to fleetd, their processes are the same afterwards.
    @Suite(.serialized, .machine()) struct SurvivalTests {
        static let count = 50

        enum Blow: String, CaseIterable, Sendable {
            case kill = "kill -9 $(systemctl show --property=MainPID --value fleetd.service)"
            case abort = "kill -ABRT $(systemctl show --property=MainPID --value fleetd.service)"
            case restart = "systemctl restart fleetd.service"
            case stopAndStart =
                "systemctl stop fleetd.service fleetd.socket; systemctl start fleetd.socket fleetd.service"
            case reload = "systemctl reload fleetd.service"
            case daemonReload = "systemctl daemon-reload"
            case daemonReexec = "systemctl daemon-reexec"
            case dbusRestart = "systemctl restart dbus.service"
            case registryGone =
                "systemctl stop fleetd.service; rm -rf /run/fleet/ledger; systemctl start fleetd.service"
        }

        private func crew(_ fleet: Fleet) async throws -> [String] {
            let names = (1...SurvivalTests.count).map { "crew@\($0).service" }
            if try await fleet.mainProcesses("crew@*.service").count < names.count {
                let paths = try await fleet.write([("crew@.service", UnitText.sleeper)])
                try await fleet.ctl(["submit"] + paths).checked()
                try await fleet.ctl(["start"] + names, limit: .seconds(120)).checked()
            }
            try await fleet.expect(names, .running, within: .seconds(60))
            return names
        }

        /// The units' processes are as before, fleetd knows them, and it still does its work.
        private func expectUnharmed(_ fleet: Fleet, _ names: [String], _ before: [String: Int]) async throws {
            try await fleet.waitUntilReady()
            try await fleet.expect(names, .running, within: .seconds(60))
            #expect(try await fleet.mainProcesses("crew@*.service") == before)
            try await fleet.start("proof.service", UnitText.sleeper)
            try await fleet.destroy("proof.service")
            #expect(try await fleet.mainProcesses("crew@*.service") == before)
        }

        @Test(arguments: Blow.allCases) func survives(blow: Blow) async throws {
            let fleet = try currentFleet()
            let names = try await crew(fleet)
            let before = try await fleet.mainProcesses("crew@*.service")
            #expect(before.count == SurvivalTests.count)
            try await fleet.machine.shell(blow.rawValue)
            try await expectUnharmed(fleet, names, before)
        }

        @Test func survivesAnUpgrade() async throws {
            let fleet = try currentFleet()
            let names = try await crew(fleet)
            let before = try await fleet.mainProcesses("crew@*.service")
            let fleetd = try await fleet.mainProcess(of: "fleetd.service")
            let folder = "\(fleet.machine.scratch)/upgrade"
            var packages: [DebPackage] = []
            for package in DebPackage.built() {
                packages.append(try await package.rebuilt(asVersionSuffix: "+next", in: folder))
            }
            try await fleet.machine.install(packages)
            #expect(try await fleet.mainProcess(of: "fleetd.service") != fleetd, "the new fleetd does not run")
            try await expectUnharmed(fleet, names, before)
        }

        @Test func aUnitThatFailedWhileFleetdWasAwayIsTriedAgain() async throws {
            let fleet = try currentFleet()
            try await fleet.start(
                "away.service",
                UnitText.service("/bin/sleep infinity", fleet: "RescheduleDelaySec=200ms")
            )
            let before = try await fleet.mainProcess(of: "away.service")
            try await fleet.machine.shell("systemctl stop fleetd.service fleetd.socket && kill -9 \(before)")
            try await fleet.machine.eventually("systemd has given it up") {
                let state = try await fleet.property("ActiveState", of: "away.service")
                guard state == "failed" else { throw NotYet(state) }
            }
            try await fleet.machine.shell("systemctl start fleetd.socket fleetd.service")
            try await fleet.expect("away.service", .running)
            try await fleet.destroy("away.service")
        }

        @Test func aStopThatWasAskedForWhileFleetdWasAwayIsRefusedNotLost() async throws {
            let fleet = try currentFleet()
            try await fleet.start("cut-off.service", UnitText.sleeper)
            try await fleet.machine.shell("systemctl stop fleetd.service fleetd.socket")
            let stop = try await fleet.ctl(["stop", "cut-off.service"])
            #expect(stop.status == 1 && !stop.standardError.isEmpty)
            try await fleet.machine.shell("systemctl start fleetd.socket fleetd.service")
            try await fleet.waitUntilReady()
            try await fleet.expect("cut-off.service", .running)
            try await fleet.destroy("cut-off.service")
        }
    }

    /// The machine itself goes.
    @Suite(.serialized) struct PowerTests {
        @Test(.machine(), arguments: ["power cut", "reboot"]) func unitsComeBackAfter(event: String) async throws {
            let fleet = try currentFleet()
            try await fleet.start("base.service", UnitText.service("/bin/sleep infinity", service: "Restart=always"))
            try await fleet.start("global.service", UnitText.service("/bin/sleep infinity", fleet: "Global=true"))
            try await fleet.ctl(["load"] + fleet.write([("idle.service", UnitText.sleeper)])).checked()
            let boot = try await fleet.machine.shell(
                "cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d ' ' -f 22"
            )
            if event == "reboot" {
                try await fleet.machine.reboot()
            } else {
                try await fleet.machine.powerCut()
                try await fleet.machine.bootAgain()
            }
            let after = try await fleet.machine.shell(
                "cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d ' ' -f 22"
            )
            #expect(boot != after)
            try await fleet.waitUntilReady()
            try await fleet.expect(["base.service", "global.service"], .running)
            try await fleet.expect("idle.service", .dead)
            // What was running stays known, and the commands work on it.
            try await fleet.destroy("base.service", "global.service", "idle.service")
        }

        @Test(.machine()) func aFrozenMachineGoesOnWhereItWas() async throws {
            let fleet = try currentFleet()
            try await fleet.start("ice.service", UnitText.sleeper)
            let before = try await fleet.mainProcess(of: "ice.service")
            try fleet.machine.freeze()
            let list = try await fleet.ctl(["list-units"], limit: .seconds(3))
            #expect(!list.succeeded, "a frozen fleetd answered")
            try fleet.machine.thaw()
            try await fleet.waitUntilReady()
            try await fleet.expect("ice.service", .running)
            #expect(try await fleet.mainProcess(of: "ice.service") == before)
        }
    }

    /// More than anybody would type.
    @Suite(.serialized, .machine()) struct ScaleTests {
        @Test func twoHundredUnits() async throws {
            let fleet = try currentFleet()
            let reloads = try await fleet.reloads()
            let paths = try await fleet.write([("many@.service", UnitText.sleeper)])
            let names = (1...200).map { "many@\($0).service" }
            try await fleet.ctl(["submit"] + paths).checked()
            try await fleet.ctl(["start"] + names, limit: .seconds(180)).checked()
            try await fleet.expect(names, .running, within: .seconds(120))
            #expect(try await fleet.mainProcesses("many@*.service").count == 200)
            #expect(try await fleet.reloads() == reloads, "units were started with a daemon-reload")
            let listed = try await fleet.ctl(["list-unit-files", "--no-legend", "--fields", "unit"]).checked().lines
            #expect(listed.map(String.init) == listed.map(String.init).sorted())
            try await fleet.ctl(["stop"] + names, limit: .seconds(180)).checked()
            #expect(try await fleet.mainProcesses("many@*.service").isEmpty)
            try await fleet.ctl(["destroy", "many@.service"] + names, limit: .seconds(180)).checked()
            #expect(try await fleet.states().isEmpty)
            #expect(try await fleet.machine.shell("ls /run/fleet/units").isEmpty)
        }
    }
}
