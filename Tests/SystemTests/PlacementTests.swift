import Lab
import Testing

extension SystemTests {
    /// What a single machine can show of placement: who may come, who has to wait, and the reason.
    @Suite(.serialized, .machine(configuration: "metadata=\"disk=ssd,region=eu\"\n"))
    struct PlacementTests {
        /// Starts without waiting a unit that cannot go anywhere, and waits for the reason.
        private func expectBlocked(_ fleet: Fleet, _ name: String, _ text: String, reason: String) async throws {
            let paths = try await fleet.write([(name, text)])
            try await fleet.ctl(["start", "--no-block"] + paths).checked()
            try await fleet.expectWhy(name, says: reason)
            #expect(try await fleet.property("LoadState", of: name) == "not-found")
        }

        @Test func conflictsWait() async throws {
            let fleet = try currentFleet()
            try await fleet.start(
                "red.service",
                UnitText.service("/bin/sleep infinity", fleet: "Conflicts=blue*.service")
            )
            try await expectBlocked(fleet, "blue1.service", UnitText.sleeper, reason: "red.service")
            try await fleet.ctl(["destroy", "red.service"]).checked()
            try await fleet.expect("blue1.service", .running)
            try await fleet.destroy("blue1.service")
        }

        @Test func metadataMatches() async throws {
            let fleet = try currentFleet()
            try await fleet.start(
                "here.service",
                UnitText.service("/bin/sleep infinity", fleet: "MachineMetadata=disk=ssd\nMachineMetadata=region=eu")
            )
            let text = UnitText.service("/bin/sleep infinity", fleet: "MachineMetadata=disk=tape")
            try await expectBlocked(fleet, "tape.service", text, reason: "disk")
            try await fleet.destroy("here.service", "tape.service")
        }

        @Test func machineIDMatches() async throws {
            let fleet = try currentFleet()
            let id = try await fleet.machine.shell("tr -d '\\n' </etc/machine-id")
            try await fleet.start("mine.service", UnitText.service("/bin/sleep infinity", fleet: "MachineID=\(id)"))
            let other = UnitText.service("/bin/sleep infinity", fleet: "MachineID=0123456789abcdef0123456789abcdef")
            try await expectBlocked(fleet, "other.service", other, reason: "01234567")
            try await fleet.destroy("mine.service", "other.service")
        }

        @Test func machineOfFollows() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service("/bin/sleep infinity", fleet: "MachineOf=leader.service")
            try await expectBlocked(fleet, "tail.service", text, reason: "leader.service")
            try await fleet.start("leader.service", UnitText.sleeper)
            try await fleet.expect("tail.service", .running)
            try await fleet.destroy("tail.service", "leader.service")
        }

        @Test func globalUnitsAreEverywhere() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service("/bin/sleep infinity", fleet: "Global=true")
            let paths = try await fleet.write([("everywhere.service", text)])
            try await fleet.ctl(["start"] + paths).checked()
            try await fleet.expect("everywhere.service", .running)
            let files = try await fleet.ctl(["list-unit-files", "--no-legend", "--fields", "unit,target"]).checked()
            #expect(
                files.lines.contains { $0.split(whereSeparator: \.isWhitespace) == ["everywhere.service", "global"] }
            )
            try await fleet.ctl(["stop", "everywhere.service"]).checked()
            try await fleet.expect("everywhere.service", .dead)
            try await fleet.destroy("everywhere.service")
        }

        @Test func aNameThatIsTakenIsNotEligible() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.write(UnitText.sleeper, to: "/etc/systemd/system/taken.service")
            try await fleet.machine.shell("systemctl daemon-reload && systemctl start taken.service")
            let before = try await fleet.mainProcess(of: "taken.service")
            let paths = try await fleet.write([("taken.service", UnitText.service("/bin/sleep 12345"))])
            try await fleet.ctl(["start", "--no-block"] + paths).checked()
            try await fleet.expectWhy("taken.service", says: "/etc/systemd/system/taken.service")
            #expect(try await fleet.mainProcess(of: "taken.service") == before)
            try await fleet.ctl(["destroy", "taken.service"]).checked()
            #expect(
                try await fleet.mainProcess(of: "taken.service") == before,
                "destroy touched a unit that is not ours"
            )
            try await fleet.machine.shell("systemctl stop taken.service; rm /etc/systemd/system/taken.service")
        }
    }
}
