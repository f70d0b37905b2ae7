import FleetAgent
import Foundation
import SystemdBus
import Testing
import UnitFile

/// Health checks as systemd really runs them.
extension RealSystemd {
    @Test("A check answers with its exit status and its last words")
    func checkAnswers() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("checked.service", sleeper)
            #expect(await rig.check("echo fine", unit) == .healthy(output: "fine\n"))
            #expect(await rig.check("true", unit) == .healthy(output: ""))
            #expect(await rig.check("echo $FLEET_UNIT", unit) == .healthy(output: "\(unit)\n"))
            #expect(
                await rig.check("x='a  b'; echo \"${x}\" '$x' '$$' %n", unit) == .healthy(output: "a  b $x $$ %n\n")
            )
            #expect(await rig.check("echo no db >&2; exit 3", unit) == .unhealthy(output: "exit status 3: no db"))
            #expect(await rig.check("kill -KILL $$", unit) == .unhealthy(output: "killed by signal 9"))
            #expect(
                await rig.check("/no/such/thing", unit)
                    == .unhealthy(output: "exit status 127: /bin/sh: 1: /no/such/thing: not found")
            )
            try await rig.expectNothingLeft()
            try await rig.clean(unit)
        }
    }

    @Test("A check that hangs is ended in time, with all that it started")
    func checkHangs() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("hangs.service", sleeper)
            let began = ContinuousClock.now
            let late = await rig.check("echo so far; sleep 7777 & sleep 7777", unit, within: .seconds(1))
            #expect(late == .unhealthy(output: "no answer within 1s: so far"))
            // Deaf to SIGTERM.
            let deaf = await rig.check("trap '' TERM; sleep 7777; sleep 7777", unit, within: .seconds(1))
            #expect(deaf == .unhealthy(output: "no answer within 1s"))
            #expect(began.duration(to: .now) < .seconds(10))
            // What goes on in the background is not waited for, and not left over.
            #expect(await rig.check("(setsid sleep 7777 &) ; echo ok", unit) == .healthy(output: "ok\n"))
            #expect(try await rig.machine.run("pgrep -f '[s]leep 7777' | wc -l") == "0\n")
            try await rig.expectNothingLeft()
            try await rig.clean(unit)
        }
    }

    @Test("A check that prints megabytes harms nobody, and is what its exit status says")
    func checkIsGreedy() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("greedy.service", sleeper)
            let loud = await rig.check("yes 2>/dev/null | head -c 3000000; echo; echo end", unit)
            guard case .healthy(let words) = loud else { return #expect(Bool(false), "\(loud)") }
            #expect(words.hasSuffix("\ny\n\nend\n") && words.utf8.count == 4096)
            let page = await rig.check("yes 2>/dev/null | head -c 3000000; echo; echo end; exit 1", unit)
            guard case .unhealthy(let output) = page else { return #expect(Bool(false), "\(page)") }
            #expect(output.hasPrefix("exit status 1: ") && output.hasSuffix("| end"))
            let endless = await rig.check("yes", unit, within: .seconds(1))
            #expect(endless == .unhealthy(output: "no answer within 1s: y | y | y"))
            try await rig.expectNothingLeft()
            try await rig.clean(unit)
        }
    }

    @Test("A check sees the unit's files and network as the unit's user")
    func checkIsInside() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up(
                "inside.service",
                """
                [Service]
                PrivateTmp=yes
                PrivateNetwork=yes
                User=nobody
                WorkingDirectory=/var/tmp
                ExecStart=/bin/sh -c 'echo mine >/tmp/mine; exec sleep 1000'

                """
            )
            try await rig.machine.wait(for: "test -e /tmp/systemd-private-*-inside.service-*/tmp/mine")
            #expect(await rig.check("cat /tmp/mine; id -un; pwd", unit) == .healthy(output: "mine\nnobody\n/var/tmp\n"))
            let process = rig.now.units[unit]?.mainPID ?? 0
            let network = try await rig.machine.run("readlink /proc/\(process)/ns/net")
            #expect(await rig.check("readlink /proc/self/ns/net", unit) == .healthy(output: network))
            #expect(try await rig.machine.run("readlink /proc/self/ns/net") != network)
            try await rig.expectNothingLeft()
            try await rig.clean(unit)
            let plain = try await rig.up(
                "plain.service",
                "[Service]\nType=oneshot\nRemainAfterExit=yes\nUser=nobody\nExecStart=/bin/true\n"
            )
            #expect(await rig.check("id -un", plain) == .healthy(output: "nobody\n"))
            try await rig.clean(plain)
        }
    }

    @Test("A stop of the unit ends its check first; a restart does not start one")
    func checkEndsWithItsUnit() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("stopped.service", sleeper)
            async let answer = rig.check("sleep 7777", unit, within: .seconds(30))
            try await rig.machine.wait(for: "pgrep -f '[s]leep 7777'")
            let began = ContinuousClock.now
            #expect(try await rig.perform(.stop(unit)) as OperationResult == .done)
            let result = await answer
            guard case .notRun = result else { return #expect(Bool(false), "\(result)") }
            #expect(began.duration(to: .now) < .seconds(5))
            #expect(try await rig.machine.run("pgrep -f '[s]leep 7777' | wc -l") == "0\n")
            try await rig.expectNothingLeft()
            // A unit that is down is not started by its check, which would run as root outside of it.
            let late = await rig.check("touch /tmp/late", unit)
            #expect(late == .notRun(reason: "the unit is not up any more"))
            #expect(!rig.machine.exists("/tmp/late"))
            #expect(try await rig.machine.run("systemctl is-active stopped.service") == "inactive\n")
            try await rig.clean(unit)
        }
    }

    @Test("A check that was asked for of an earlier run of the unit is not made")
    func checkIsOfOneRun() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("again.service", sleeper)
            let first = rig.now.units[unit]?.invocation ?? ""
            #expect(try await rig.perform(.restart(unit)) as OperationResult == .done)
            let late = await rig.bus.runCheck("true", of: unit, invocation: first, within: .seconds(5))
            #expect(late == .notRun(reason: "the unit is not up any more"))
            #expect(await rig.check("true", unit) == .healthy(output: ""))
            try await rig.clean(unit)
        }
    }

    @Test("What systemd cannot run says nothing of the unit, nor does what ran while the unit ended")
    func checkCannotBeMade() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("blameless.service", sleeper)
            try await rig.machine.run("mount --bind /dev/null /usr/bin/nsenter")
            let lost = await rig.check("true", unit)
            try await rig.machine.run("umount /usr/bin/nsenter")
            #expect(lost == .notRun(reason: "systemd could not run it (exit status 203, see systemd.exec(5))"))
            async let answer = rig.check("touch /tmp/begun; sleep 2; exit 1", unit)
            try await rig.machine.wait(for: "test -e /tmp/begun")
            try await rig.machine.run("systemctl kill --signal=KILL blameless.service")
            // By the end of its main process, or because systemd has ended the check with the unit.
            let result = await answer
            guard case .notRun = result else { return #expect(Bool(false), "\(result)") }
            try await rig.expectNothingLeft()
            try await rig.clean(unit)
        }
    }

    @Test("The fence ends the check of its unit, which delays nothing")
    func checkEndsWithTheFence() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("fenced-checked.service")
            #expect(try await rig.install(unit, sleeper, atMostOnce: true) == .done)
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(60)) == .done)
            #expect(await rig.bus.allow(unit) == .done)
            #expect(try await rig.perform(.start(unit)) as OperationResult == .done)
            #expect(await rig.check("echo fine", unit) == .healthy(output: "fine\n"))
            async let answer = rig.check("trap '' TERM; while :; do sleep 7777; done", unit, within: .seconds(60))
            try await rig.machine.wait(for: "pgrep -f '[s]leep 7777'")
            let began = ContinuousClock.now
            // As its timer does.
            try await rig.machine.run("systemctl start fleet-fence@sleep.service")
            let result = await answer
            guard case .notRun = result else { return #expect(Bool(false), "\(result)") }
            try await rig.wait(unit) { ["failed", "inactive"].contains($0.activeState) }
            #expect(began.duration(to: .now) < .seconds(2))
            #expect(try await rig.machine.run("pgrep -f '[s]leep 7777' | wc -l") == "0\n")
            try await rig.expectNothingLeft()
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(60)) == .fired)
            await rig.bus.disarm()
            try await rig.clean(unit)
        }
    }

    @Test("Checks leave nothing in the journal and tell nothing of the unit")
    func checksAreQuiet() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("quiet.service", sleeper)
            let before = rig.now.events.count
            for _ in 0..<5 { _ = await rig.check("echo x", unit) }
            for _ in 0..<5 { _ = await rig.check("echo x; exit 1", unit) }
            _ = await rig.check("sleep 7777", unit, within: .seconds(1))
            try await rig.machine.run("journalctl --sync")
            let lines = try await rig.machine.run("journalctl -q --no-pager | grep 'health-quiet\\|check of quiet'")
            #expect(lines.isEmpty, "\(lines)")
            #expect(rig.now.events.count == before, "\(rig.now.events.dropFirst(before))")
            let (start, count) = (ContinuousClock.now, 20)
            for _ in 0..<count { _ = await rig.check("true", unit) }
            print("one check: \(start.duration(to: .now) / count)")
            try await rig.clean(unit)
        }
    }

    @Test("What an earlier fleetd has left is forgotten")
    func oldChecks() async throws {
        try await Rig.with { rig in
            let unit = try await rig.up("left.service", sleeper)
            try await rig.machine.run("systemd-run --unit=fleet-health-gone.service -p Type=oneshot /bin/false")
            try await rig.machine.run("systemd-run --no-block --unit=fleet-health-left.service.service sleep 7777")
            guard case .notRun = await rig.check("true", unit) else { return #expect(Bool(false)) }
            #expect(await rig.check("true", unit) == .healthy(output: ""))
            try await rig.clean(unit)
        }
        try await Rig.with { rig in try await rig.expectNothingLeft() }
    }
}

extension Rig {
    /// Installs and starts.
    func up(_ name: String, _ text: String) async throws -> UnitName {
        let unit = try UnitName(name)
        #expect(try await install(unit, text) == .done)
        #expect(try await perform(.start(unit)) as OperationResult == .done)
        return unit
    }

    func check(_ command: String, _ unit: UnitName, within timeout: Duration = .seconds(20)) async -> CheckResult {
        let invocation = now.units[unit]?.invocation ?? ""
        return await bus.runCheck(command, of: unit, invocation: invocation, within: timeout)
    }

    /// No check of any unit is known to systemd.
    func expectNothingLeft() async throws {
        let list = try await machine.run("systemctl list-units --all --no-legend 'fleet-health-*'")
        #expect(list.isEmpty, "\(list)")
    }
}

extension TestMachine {
    /// Waits until the command succeeds.
    func wait(for command: String) async throws {
        for _ in 0..<400 {
            if try await run("\(command) >/dev/null 2>&1; echo $?") == "0\n" { return }
        }
        throw TestFailure("'\(command)' does not succeed")
    }
}
