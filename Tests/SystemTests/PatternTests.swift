import Lab
import Testing

extension SystemTests {
    /// Templates, sockets, timers: units that come in more than one piece.
    @Suite(.serialized, .machine()) struct PatternTests {
        @Test func aTemplateWithInstances() async throws {
            let fleet = try currentFleet()
            let template = UnitText.service("/bin/sh -c 'echo I am %i; exec sleep infinity'")
            let paths = try await fleet.write([("crew@.service", template)])
            try await fleet.ctl(["submit"] + paths).checked()
            let instances = (1...5).map { "crew@\($0).service" }
            try await fleet.ctl(["start"] + instances).checked()
            try await fleet.expect(instances, .running)
            #expect(try await fleet.mainProcesses("crew@*.service").count == 5)
            try await fleet.machine.eventually("instance 3 knows its name") {
                let journal = try await fleet.ctl(["journal", "--output", "cat", "crew@3.service"]).checked()
                guard journal.lines.contains("I am 3") else { throw NotYet("\(journal)") }
            }
            try await fleet.ctl(["destroy", "crew@2.service"]).checked()
            try await fleet.expect("crew@2.service", nil)
            #expect(try await fleet.mainProcesses("crew@*.service").count == 4)
            let refused = try await fleet.ctl(["start", "crew@.service"])
            #expect(refused.status == 1)
            try await fleet.ctl(["destroy", "crew@.service"] + instances.filter { $0 != "crew@2.service" }).checked()
            #expect(try await fleet.mainProcesses("crew@*.service").isEmpty)
        }

        @Test func anEscapedInstance() async throws {
            let fleet = try currentFleet()
            let template = UnitText.service("/bin/sh -c 'echo path is %f; exec sleep infinity'")
            let paths = try await fleet.write([("path@.service", template)])
            try await fleet.ctl(["submit"] + paths).checked()
            let name = #"path@srv-my\x2ddata.service"#
            try await fleet.ctl(["start", name]).checked()
            try await fleet.machine.eventually("it knows its path") {
                let journal = try await fleet.ctl(["journal", "--output", "cat", name]).checked()
                guard journal.lines.contains("path is /srv/my-data") else { throw NotYet("\(journal)") }
            }
            try await fleet.ctl(["destroy", name, "path@.service"]).checked()
        }

        @Test func aSocketStartsItsService() async throws {
            let fleet = try currentFleet()
            let service = UnitText.service(
                "/bin/sh -c 'while read -r line; do echo \"got $line\"; done'",
                service: "StandardInput=socket\nStandardOutput=journal"
            )
            let socket = "[Socket]\nListenFIFO=/run/letters\n[X-Fleet]\nMachineOf=letters.service\n"
            let paths = try await fleet.write([("letters.service", service), ("letters.socket", socket)])
            try await fleet.ctl(["load", paths[0]]).checked()
            try await fleet.ctl(["start", paths[1]]).checked()
            try await fleet.expect("letters.socket", Fleet.State(active: "active", sub: "listening"))
            #expect(try await fleet.states()["letters.service"] == .dead)
            try await fleet.machine.shell("echo hello >/run/letters")
            try await fleet.expect("letters.service", .running)
            try await fleet.machine.eventually("the message arrived") {
                let journal = try await fleet.ctl(["journal", "--output", "cat", "letters.service"]).checked()
                guard journal.lines.contains("got hello") else { throw NotYet("\(journal)") }
            }
            try await fleet.ctl(["destroy", "letters.socket", "letters.service"]).checked()
            #expect(try await fleet.property("LoadState", of: "letters.socket") == "not-found")
        }

        @Test func aTimerStartsItsServiceAgainAndAgain() async throws {
            let fleet = try currentFleet()
            let service = UnitText.service("/bin/sh -c 'echo tick >>/run/ticks'", service: "Type=oneshot")
            let timer = """
                [Timer]
                OnActiveSec=100ms
                OnUnitActiveSec=300ms
                AccuracySec=1ms
                [X-Fleet]
                MachineOf=tick.service

                """
            let paths = try await fleet.write([("tick.service", service), ("tick.timer", timer)])
            try await fleet.ctl(["load", paths[0]]).checked()
            try await fleet.ctl(["start", paths[1]]).checked()
            try await fleet.machine.eventually("three ticks") {
                let ticks = try await fleet.machine.run(["cat", "/run/ticks"]).lines.count
                guard ticks >= 3 else { throw NotYet("\(ticks) ticks") }
            }
            #expect(try await fleet.states()["tick.timer"]?.active == "active")
            try await fleet.ctl(["destroy", "tick.timer", "tick.service"]).checked()
        }

        @Test func aOneshotThatEndsIsNoFailure() async throws {
            let fleet = try currentFleet()
            let text = UnitText.service("/bin/sh -c 'echo once >>/run/once'", service: "Type=oneshot")
            let paths = try await fleet.write([("once.service", text)])
            try await fleet.ctl(["start"] + paths).checked()
            try await fleet.expect("once.service", .dead)
            // Neither the next command nor a restart of fleetd runs it a second time.
            try await fleet.machine.shell("systemctl restart fleetd.service")
            try await fleet.waitUntilReady()
            try await fleet.start("after-once.service", UnitText.sleeper)
            #expect(try await fleet.machine.shell("cat /run/once") == "once\n")
            try await fleet.destroy("once.service", "after-once.service")
        }

        @Test func installSectionTiesAUnitToAnother() async throws {
            let fleet = try currentFleet()
            let follower =
                UnitText.service("/bin/sleep infinity", unit: "BindsTo=lead.service\nAfter=lead.service")
                + "\n[Install]\nWantedBy=lead.service\n\n[X-Fleet]\nMachineOf=lead.service\n"
            let paths = try await fleet.write([("lead.service", UnitText.sleeper), ("follow.service", follower)])
            try await fleet.ctl(["load", paths[0]]).checked()
            try await fleet.ctl(["load", paths[1]]).checked()
            try await fleet.ctl(["start", "lead.service"]).checked()
            try await fleet.expect(["lead.service", "follow.service"], .running)
            try await fleet.ctl(["stop", "lead.service"]).checked()
            try await fleet.expect(["lead.service", "follow.service"], .dead)
            try await fleet.destroy("follow.service", "lead.service")
        }
    }
}
