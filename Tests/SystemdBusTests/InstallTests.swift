import FleetAgent
import FleetRuntime
import Foundation
import SystemdBus
import Testing
import UnitFile

extension RealSystemd {
    @Test("A name that the machine has from elsewhere is not touched")
    func nameTaken() async throws {
        try await Rig.with { rig in
            try await rig.machine.run(
                """
                mkdir -p /etc/systemd/system
                ln -sf /dev/null /etc/systemd/system/masked-one.service
                systemd-run --unit=passing.service /bin/sleep 1000
                echo '[Service]' > /run/systemd/system/by-hand.service
                """
            )
            let taken = [
                ("systemd-journald.service", "/lib/systemd/system/systemd-journald.service"),
                ("getty@x.service", "/lib/systemd/system/getty@.service"),
                ("masked-one.service", "/etc/systemd/system/masked-one.service"),
                ("passing.service", "/run/systemd/transient/passing.service"),
                ("by-hand.service", "/run/systemd/system/by-hand.service"),
                ("-.mount", ""),
            ]
            for (name, path) in taken {
                let unit = try UnitName(name)
                for result in [try await rig.install(unit, sleeper), try await rig.perform(.probe([unit]))] {
                    guard case .nameTaken(let found) = result else {
                        Issue.record("\(name): \(result)")
                        continue
                    }
                    #expect(found.hasSuffix(path))
                }
                #expect(!rig.machine.exists("/run/fleet/units/" + name))
                #expect(rig.now.units[unit] == nil)
                #expect(try await rig.perform(.stop(unit)) == .done)
                #expect(try await rig.perform(.remove(unit)) == .done)
                #expect((try await rig.perform(.start(unit)) as OperationResult).kind == .badUnit)
            }
            #expect(try await rig.machine.run("systemctl is-active systemd-journald passing") == "active\nactive\n")
            let free = try UnitName("free-\(getpid()).service")
            #expect(try await rig.perform(.probe([free])) == .done)
            try await rig.machine.run("systemctl stop passing; rm /run/systemd/system/by-hand.service")
        }
    }

    @Test("A changed file is used without a reload while nothing runs, and with one reload for all otherwise")
    func changedContent() async throws {
        try await Rig.with { rig in
            let units = try ["one", "two", "three"].map { try UnitName("changed-\($0).service") }
            func text(_ seconds: Int) -> String { "[Service]\nExecStart=/bin/sleep \(seconds)\n" }
            func install(_ seconds: Int) async throws {
                let results = try await rig.install(Dictionary(units.map { ($0, text(seconds)) }) { first, _ in first })
                #expect(results.values.allSatisfy { $0 == .done })
                #expect(units.allSatisfy { rig.now.units[$0]?.file == ContentHash(of: text(seconds)) })
                for unit in units {
                    let command = try await rig.machine.run("systemctl show -P ExecStart \(unit)")
                    #expect(command.contains("sleep \(seconds) "), "\(command)")
                }
            }
            try await install(1001)
            // At once, within one tick of the kernel's clock for time stamps.
            try await install(1002)
            #expect(await rig.bus.reloadCount == 0)
            for unit in units { #expect(try await rig.perform(.start(unit)) == .done) }
            try await install(1002)
            #expect(await rig.bus.reloadCount == 0)
            let before = units.map { rig.now.units[$0]?.mainPID }
            try await install(1003)
            #expect(await rig.bus.reloadCount == 1)
            #expect(units.map { rig.now.units[$0]?.mainPID } == before)
            for unit in units { try await rig.clean(unit) }
        }
    }

    @Test("A unit that another one refers to is forgotten with a reload")
    func removedWhileReferred() async throws {
        try await Rig.with { rig in
            let used = try UnitName("used.service")
            let user = try UnitName("user.service")
            let results = try await rig.install([used: sleeper, user: "[Unit]\nWants=used.service\n" + sleeper])
            #expect(results == [used: .done, user: .done])
            #expect(try await rig.perform(.start(user)) == .done)
            try await rig.wait(used) { $0.activeState == "active" }
            try await rig.clean(used)
            #expect(try await rig.machine.run("systemctl show -P LoadState used.service") == "not-found\n")
            #expect(await rig.bus.reloadCount == 1)
            #expect(rig.now.units[user]?.activeState == "active")
            try await rig.clean(user)
        }
    }

    @Test("A changed file with another [Install] is one reload")
    func changedInstallSection() async throws {
        try await Rig.with { rig in
            let (owner, unit) = (try UnitName("owner.target"), try UnitName("owned.service"))
            // Kept in memory at rest, because something refers to it.
            let user = try UnitName("refers.service")
            let refers = "[Unit]\nAfter=owner.target owned.service\n" + sleeper
            func text(_ seconds: Int) -> String {
                "[Service]\nExecStart=/bin/sleep \(seconds)\n[Install]\nWantedBy=owner.target\n"
            }
            let first = try await rig.install([owner: "[Unit]\nDescription=o\n", unit: text(1001), user: refers])
            #expect(first.values.allSatisfy { $0 == .done }, "\(first)")
            #expect(try await rig.perform(.start(user)) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            let before = await rig.bus.reloadCount
            #expect(try await rig.install(unit, text(1002)) == .done)
            #expect(await rig.bus.reloadCount == before + 1)
            let wants = try await rig.machine.run("systemctl show -P Wants owner.target")
            #expect(wants.contains("owned.service"), "\(wants)")
            let command = try await rig.machine.run("systemctl show -P ExecStart owned.service")
            #expect(command.contains("sleep 1002 "), "\(command)")
            try await rig.clean(user, unit, owner)
        }
    }

    @Test("[Install] is enabled until the next boot, and taken back")
    func installSection() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("wanted.service")
            let link = "/run/systemd/system/multi-user.target.wants/wanted.service"
            let other = "/run/systemd/system/basic.target.wants/wanted.service"
            #expect(try await rig.install(unit, sleeper + "[Install]\nWantedBy=multi-user.target\n") == .done)
            #expect(rig.machine.exists(link))
            #expect(try await rig.perform(.start(unit)) == .done)
            #expect(try await rig.install(unit, sleeper + "[Install]\nWantedBy=basic.target\n") == .done)
            #expect(!rig.machine.exists(link) && rig.machine.exists(other))
            #expect(rig.history(of: unit).allSatisfy { $0 != nil })
            try await rig.clean(unit)
            #expect(!rig.machine.exists(other) && !rig.machine.exists("/run/systemd/system/wanted.service"))

            let thief = try UnitName("thief.service")
            let alias = "systemd-journald.service"
            let result = try await rig.install(thief, sleeper + "[Install]\nAlias=\(alias)\n")
            #expect(result.kind == .badUnit && result.message.contains(alias))
            #expect(!rig.machine.exists("/run/systemd/system/" + alias))
            #expect(!rig.machine.exists("/run/fleet/units/thief.service"))
        }
    }

    @Test("What is installed is found again after a new connection, running or not")
    func adoption() async throws {
        let running = try UnitName("adopted.service")
        let resting = try UnitName("resting.service")
        try await Rig.with { rig async throws in
            #expect(try await rig.install([running: sleeper, resting: sleeper]) == [running: .done, resting: .done])
            #expect(try await rig.perform(.start(running)) == .done)
        }
        try await Rig.with { rig in
            #expect(rig.now.units[running]?.activeState == "active")
            #expect(rig.now.units[running]?.file == ContentHash(of: sleeper))
            #expect(rig.now.units[resting]?.activeState == "inactive")
            try await rig.machine.run("rm /run/systemd/system/resting.service; systemctl daemon-reload")
            try await rig.wait("gone") { $0.units[resting] == nil }
            try await rig.clean(running)
        }
    }

    @Test("A reexecution of systemd in the middle of everything")
    func reexec() async throws {
        try await Rig.with { rig in
            let units = try (0..<20).map { try UnitName("storm-\($0).service") }
            let text = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 0.3\n"
            let installed = try await rig.install(Dictionary(units.map { ($0, text) }) { first, _ in first })
            #expect(installed.values.allSatisfy { $0 == .done })
            let results = try await withThrowingTaskGroup(of: OperationResult.self) { group in
                for unit in units { group.addTask { try await rig.perform(.start(unit)) } }
                try await rig.wait("starting") { $0.units[units[19]]?.activeState == "activating" }
                try await rig.machine.run("systemctl daemon-reexec")
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.contains(.unknown))
            #expect(results.allSatisfy { $0 == .done || $0 == .unknown })
            try await rig.wait("reconnected") { $0.connections == 2 && $0.isConnected }
            #expect(rig.now.disconnections == 1)
            for unit in units { try await rig.wait(unit) { $0.activeState == "active" && !$0.hasJob } }
            for unit in units { try await rig.clean(unit) }
        }
    }

    @Test("The journal is followed from before the first line")
    func follow() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("talker.service")
            let text = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'for i in 1 2 3; do echo line $i; done'\n"
            #expect(try await rig.install(unit, text) == .done)
            let lines = Task {
                var lines: [String] = []
                for await entry in rig.machine.journal.follow(unit, lines: 10) where entry.identifier == "sh" {
                    lines.append(entry.message)
                    if lines.count == 6 { break }
                }
                return lines
            }
            #expect(try await rig.perform(.start(unit)) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            #expect(await lines.value == ["line 1", "line 2", "line 3", "line 1", "line 2", "line 3"])
            try await rig.clean(unit)
        }
    }

    @Test("Following ends when its consumer is cancelled")
    func followCancelled() async throws {
        let journal = SystemdJournal(directory: "/nonexistent")
        let unit = try UnitName("silent.service")
        let count = Task {
            await journal.follow(unit, lines: 1).reduce(into: 0) { count, _ in count += 1 }
        }
        count.cancel()
        #expect(await count.value == 0)
    }
}
