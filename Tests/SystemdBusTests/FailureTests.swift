import FleetAgent
import Foundation
import SystemdBus
import Testing
import UnitFile

/// Failed for good, as systemd really shows it.
extension RealSystemd {
    @Test("Automatic restarts are not seen as failures; giving up is, once, with its journal")
    func restartLimit() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("crash.service")
            let text = """
                [Unit]
                StartLimitIntervalSec=30
                StartLimitBurst=2
                [Service]
                Restart=on-failure
                RestartSec=50ms
                ExecStart=/bin/sh -c 'echo last words; exit 3'

                """
            #expect(try await rig.install(unit, text) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            let failed = try await rig.wait(unit) { $0.activeState == "failed" && !$0.hasJob }
            #expect(failed.result == "exit-code" && failed.mainCode == 1 && failed.mainStatus == 3)
            #expect(failed.invocation.count == 32)
            let failures = rig.history(of: unit).filter { $0?.activeState == "failed" && $0?.hasJob == false }
            #expect(failures.count == 1)
            let journal = await rig.bus.journal(of: unit, invocation: failed.invocation, lines: 10)
            #expect(journal.contains { $0.hasSuffix("last words") }, "\(journal)")
            #expect(journal.contains { $0.contains("Failed with result 'exit-code'") }, "\(journal)")
            try await rig.clean(unit)
        }
    }

    @Test("The last words of thirty services that fail at once")
    func manyLastWords() async throws {
        try await Rig.with { rig in
            let units = try (0..<30).map { try UnitName("words-\($0).service") }
            let text = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo last words of %n; exit 3'\n"
            let installed = try await rig.install(Dictionary(units.map { ($0, text) }) { first, _ in first })
            #expect(installed.values.allSatisfy { $0 == .done })
            try await withThrowingTaskGroup(of: Void.self) { group in
                for unit in units {
                    group.addTask {
                        let result = try await rig.perform(.start(unit)) as OperationResult
                        #expect(result.kind == .job(result: "failed"))
                        let invocation = rig.now.units[unit]?.invocation ?? ""
                        let journal = await rig.bus.journal(of: unit, invocation: invocation, lines: 10)
                        #expect(journal.contains { $0.hasSuffix("last words of \(unit)") }, "\(journal)")
                        try await rig.clean(unit)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A missing binary fails after a start that systemd calls done")
    func missingBinary() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("nothing.service")
            #expect(try await rig.install(unit, "[Service]\nExecStart=/nonexistent/thing\n") == .done)
            _ = try await rig.perform(.start(unit)) as OperationResult
            let failed = try await rig.wait(unit) { $0.activeState == "failed" }
            #expect(failed.mainStatus == 203 && failed.result == "exit-code")
            let journal = await rig.bus.journal(of: unit, invocation: failed.invocation, lines: 10)
            #expect(journal.contains { $0.contains("/nonexistent/thing") }, "\(journal)")
            try await rig.clean(unit)
        }
    }

    @Test("A start that takes too long")
    func startTimeout() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("slow.service")
            let text = "[Service]\nType=notify\nTimeoutStartSec=200ms\nExecStart=/bin/sleep 1000\n"
            #expect(try await rig.install(unit, text) == .done)
            let result = try await rig.perform(.start(unit)) as OperationResult
            #expect(result.kind == .job(result: "failed") || result.kind == .job(result: "timeout"))
            #expect(result.message.contains("timeout"))
            #expect(rig.now.units[unit]?.result == "timeout")
            try await rig.clean(unit)
        }
    }

    @Test("A killed process is seen with its signal")
    func signal() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("victim.service")
            #expect(try await rig.install(unit, sleeper) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            try await rig.machine.run("kill -SEGV \(rig.now.units[unit]?.mainPID ?? 0)")
            let failed = try await rig.wait(unit) { $0.activeState == "failed" }
            #expect(["signal", "core-dump"].contains(failed.result) && failed.mainStatus == SIGSEGV)
            try await rig.clean(unit)
        }
    }

    @Test("A missing requirement is the failure of what requires it")
    func dependency() async throws {
        try await Rig.with { rig in
            let base = try UnitName("base.service")
            let top = try UnitName("top.service")
            let head = "[Unit]\nRequires=base.service\nAfter=base.service\n"
            let results = try await rig.install([
                base: "[Service]\nType=oneshot\nExecStart=/bin/false\n", top: head + sleeper,
            ])
            #expect(results == [base: .done, top: .done])
            let result = try await rig.perform(.start(top)) as OperationResult
            #expect(result.kind == .job(result: "dependency"))
            try await rig.clean(top, base)
        }
    }

    @Test("A requirement that does not exist is named, not taken for a fault of the unit's own file")
    func missingRequirement() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("lonely.service")
            let text = "[Unit]\nRequires=no-such-thing.service\n" + sleeper
            #expect(try await rig.install(unit, text, startsNext: true) == .done)
            let result = try await rig.perform(.start(unit)) as OperationResult
            #expect(result.kind == .badUnit && result.message.contains("no-such-thing.service"), "\(result.message)")
            try await rig.clean(unit)
        }
    }

    @Test(
        "systemd's own words about a bad file",
        arguments: [
            ("[Service]\nExecStart=relative/path\n", "line 2"),
            ("[Service]\nType=simple\n", "no ExecStart="),
            ("[Service]\nType=simple\nExecStart=/bin/a\nExecStart=/bin/b\n", "more than one ExecStart="),
            ("[Socket]\nListenStream=\n", "no ExecStart="),
        ]
    )
    func badFile(text: String, words: String) async throws {
        try await Rig.with { rig in
            let unit = try UnitName("bad.service")
            let good = try UnitName("good.service")
            let results = try await rig.install([unit: text, good: sleeper])
            #expect(results[good] == .done)
            #expect(results[unit]?.kind == .badUnit)
            #expect(results[unit]?.message.contains(words) == true, "\(results[unit]?.message ?? "")")
            #expect(results[unit]?.message.contains("bad-setting") == true, "\(results[unit]?.message ?? "")")
            #expect(rig.now.units[unit] == nil && !rig.machine.exists("/run/fleet/units/bad.service"))
            #expect(try await rig.perform(.start(good)) == .done)
            // Where the start is the first to read the file, the start says it.
            #expect(try await rig.install(unit, text, startsNext: true) == .done)
            let started = try await rig.perform(.start(unit)) as OperationResult
            #expect(started.kind == .badUnit)
            #expect(started.message.contains(words) && started.message.contains("bad-setting"), "\(started.message)")
            try await rig.clean(good, unit)
        }
    }

    @Test("A unit that is started next is read once, by its start")
    func readOnce() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("once.service")
            #expect(try await rig.install(unit, sleeper, startsNext: true) == .done)
            #expect(rig.now.units[unit]?.loadState == "loaded" && rig.now.units[unit]?.activeState == "inactive")
            #expect(try await rig.machine.run("systemctl list-units --all --plain --no-legend once.service").isEmpty)
            #expect(try await rig.perform(.start(unit)) == .done)
            #expect(rig.now.units[unit]?.activeState == "active")
            try await rig.clean(unit)
        }
    }

    @Test("A bad file in place of a running one is told and leaves the process alone")
    func badReplacement() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("turned.service")
            #expect(try await rig.install(unit, sleeper) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            let running = try #require(rig.now.units[unit])
            let result = try await rig.install(unit, "[Service]\nExecStart=relative/path\n")
            #expect(result.kind == .badUnit)
            let now = try #require(rig.now.units[unit])
            #expect(now.loadState == "bad-setting" && now.mainPID == running.mainPID && !now.loadError.isEmpty)
            #expect(try await rig.install(unit, sleeper) == .done)
            #expect(rig.now.units[unit]?.mainPID == running.mainPID)
            try await rig.clean(unit)
        }
    }
}
