import Lab
import Testing

extension SystemTests {
    /// The whole life of ordinary services.
    @Suite(.serialized, .machine()) struct LifeTests {
        @Test func submitLoadStartStopUnloadDestroy() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service(
                "/bin/sh -c 'echo started; exec sleep infinity'",
                service: "ExecStop=/bin/sh -c 'cp /run/fleet/units/life.service /run/life.stopped'"
            )
            let path = try await fleet.write([("life.service", text)])[0]

            let submitted = try await fleet.ctl(["submit", path]).checked()
            #expect(submitted.standardOutput == "Unit life.service inactive\n")
            #expect(try await fleet.ctl(["cat", "life.service"]).checked().standardOutput == text)
            #expect(try await fleet.property("LoadState", of: "life.service") == "not-found")
            #expect(try await fleet.states()["life.service"] == nil)

            try await fleet.ctl(["load", "life.service"]).checked()
            #expect(try await fleet.property("LoadState", of: "life.service") == "loaded")
            #expect(try await fleet.states()["life.service"] == .dead)

            let started = try await fleet.ctl(["start", "life.service"]).checked()
            #expect(started.standardOutput.hasPrefix("Unit life.service launched"))
            #expect(try await fleet.property("ActiveState", of: "life.service") == "active")
            try await fleet.expect("life.service", .running)

            let status = try await fleet.ctl(["status", "life.service"]).checked().standardOutput
            let process = try await fleet.mainProcess(of: "life.service")
            #expect(process > 0 && status.contains("\(process)"))
            try await fleet.machine.eventually("the journal has the unit's output") {
                let journal = try await fleet.ctl(["journal", "--output", "cat", "life.service"]).checked()
                guard journal.lines.contains("started") else { throw NotYet("\(journal)") }
            }

            let stopped = try await fleet.ctl(["stop", "life.service"]).checked()
            #expect(stopped.standardError.contains("Successfully stopped units [life.service]."))
            #expect(try await fleet.property("ActiveState", of: "life.service") == "inactive")
            #expect(
                try await fleet.machine.shell("cat /run/life.stopped") == text,
                "ExecStop ran without its unit file"
            )

            try await fleet.ctl(["unload", "life.service"]).checked()
            #expect(try await fleet.property("LoadState", of: "life.service") == "not-found")

            try await fleet.ctl(["start", "life.service"]).checked()
            try await fleet.machine.shell("rm /run/life.stopped")
            let destroyed = try await fleet.ctl(["destroy", "life.service"]).checked()
            #expect(destroyed.standardOutput == "Destroyed life.service\n")
            #expect(try await fleet.machine.shell("cat /run/life.stopped") == text, "destroy did not wait for ExecStop")
            #expect(try await fleet.property("LoadState", of: "life.service") == "not-found")
            #expect(try await fleet.states()["life.service"] == nil)
            let left = try await fleet.machine.run([
                "find", "/run/fleet", "/run/systemd/system", "-name", "life.service*",
            ])
            #expect(left.standardOutput.isEmpty)
        }

        @Test func restartMakesANewProcess() async throws {
            let fleet = try currentFleet()
            try await fleet.start("again.service", UnitText.sleeper)
            let before = try await fleet.mainProcess(of: "again.service")
            try await fleet.ctl(["restart", "again.service"]).checked()
            let after = try await fleet.mainProcess(of: "again.service")
            #expect(before > 0 && after > 0 && before != after)
            try await fleet.destroy("again.service")
        }

        @Test func replaceChangesTheFileThatRuns() async throws {
            let fleet = try currentFleet()
            try await fleet.start("edit.service", UnitText.service("/bin/sleep 1000000"))
            let paths = try await fleet.write([("edit.service", UnitText.service("/bin/sleep 2000000"))])
            let warned = try await fleet.ctl(["start"] + paths).checked()
            #expect(warned.standardError.contains("--replace"))
            #expect(try await fleet.property("ExecStart", of: "edit.service").contains("1000000"))
            try await fleet.ctl(["start", "--replace"] + paths).checked()
            try await fleet.machine.eventually("the new file runs") {
                let command = try await fleet.property("ExecStart", of: "edit.service")
                guard command.contains("2000000") else { throw NotYet(command) }
            }
            try await fleet.expect("edit.service", .running)
            try await fleet.destroy("edit.service")
        }

        @Test func aProcessThatDiesComesBackBySystemd() async throws {
            let fleet = try currentFleet()
            try await fleet.start(
                "phoenix.service",
                UnitText.service("/bin/sleep infinity", service: "Restart=always\nRestartSec=100ms")
            )
            let before = try await fleet.mainProcess(of: "phoenix.service")
            try await fleet.machine.shell("kill -9 \(before)")
            try await fleet.machine.eventually("phoenix.service has another process") {
                let after = try await fleet.mainProcess(of: "phoenix.service")
                guard after > 0, after != before else { throw NotYet("MainPID=\(after)") }
            }
            try await fleet.expect("phoenix.service", .running)
            try await fleet.destroy("phoenix.service")
        }

        @Test func listings() async throws {
            let fleet = try currentFleet()
            try await fleet.start("list.service", UnitText.sleeper)
            let id = try await fleet.machine.shell("cat /etc/machine-id").prefix(8)
            let units = try await fleet.ctl(["list-units"]).checked()
            #expect(units.lines.first?.split(separator: "\t").joined(separator: " ") == "UNIT MACHINE ACTIVE SUB")
            #expect(units.lines.contains { $0.hasPrefix("list.service\t") && $0.contains("\(id).../") })
            let files = try await fleet.ctl(["list-unit-files", "--no-legend", "--fields", "unit,dstate,state"])
                .checked()
            let row = files.lines.first { $0.hasPrefix("list.service") }
            #expect(row?.split(whereSeparator: \.isWhitespace) == ["list.service", "launched", "launched"])
            let machines = try await fleet.ctl(["list-machines"]).checked()
            let columns = machines.lines.first?.split(separator: "\t").joined(separator: " ")
            #expect(columns == "MACHINE IP METADATA STATE AGE")
            #expect(machines.lines.count == 2 && machines.lines[1].hasPrefix("\(id)..."))
            for command in ["list-units", "list-unit-files", "list-machines"] {
                let json = try await fleet.ctl([command, "--json"]).checked()
                #expect(json.standardOutput.hasPrefix("{") && json.standardOutput.hasSuffix("}\n"))
            }
            try await fleet.destroy("list.service")
        }

        @Test(
            arguments: [
                (["no-such-command"], 2), (["start", "--no-such-flag", "x"], 2),
                (["list-units", "--fields", "nothing"], 2),
                (["start", "missing.service"], 1), (["cat", "missing.service"], 1), (["version"], 0), (["help"], 0),
            ] as [([String], Int32)]
        )
        func exitStatus(arguments: [String], wanted: Int32) async throws {
            let result = try await currentFleet().ctl(arguments)
            #expect(result.status == wanted, "\(result)")
            if wanted != 0 { #expect(!result.standardError.isEmpty) }
        }

        @Test func aWrongFileIsRefusedWithItsLine() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service("/bin/sleep 1", fleet: "Conflict=x.service")
            let path = try await fleet.write([("typo.service", text)])[0]
            for command in ["submit", "start", "verify"] {
                let result = try await fleet.ctl([command, path])
                #expect(result.status == 1)
                #expect(
                    result.standardError.contains("typo.service:9:") && result.standardError.contains("Conflicts"),
                    "\(result)"
                )
            }
            #expect(try await fleet.ctl(["cat", "typo.service"]).status == 1)
        }
    }
}
