import FleetAgent
import FleetRuntime
import Foundation
import SystemdBus
import Testing
import UnitFile

/// Every test that needs a real systemd; one after another, because they share it.
@Suite(
    .serialized,
    .enabled(if: TestMachine.obstacle == nil, Comment(rawValue: TestMachine.obstacle ?? "")),
    .timeLimit(.minutes(3))
)
struct RealSystemd {}

extension RealSystemd {
    @Test("A service is installed, started, stopped and removed without a reload")
    func wholeLife() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("life.service")
            let text = "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/touch /run/life-stopped\n"
            #expect(try await rig.install(unit, text) == .done)
            let installed = try #require(rig.now.units[unit])
            #expect(installed.loadState == "loaded" && installed.activeState == "inactive")
            #expect(installed.file == ContentHash(of: text))

            #expect(try await rig.perform(.start(unit)) == .done)
            let running = try #require(rig.now.units[unit])
            #expect(running.activeState == "active" && running.subState == "running" && !running.hasJob)
            #expect(running.mainPID > 0 && running.invocation.count == 32 && running.result == "success")

            #expect(try await rig.perform(.restart(unit)) == .done)
            let again = try #require(rig.now.units[unit])
            #expect(again.mainPID != running.mainPID && again.invocation != running.invocation)

            #expect(try await rig.perform(.stop(unit)) == .done)
            #expect(rig.now.units[unit]?.activeState == "inactive")
            #expect(rig.machine.exists("/run/life-stopped"))

            #expect(try await rig.perform(.remove(unit)) == .done)
            #expect(rig.now.units[unit] == nil)
            #expect(!rig.machine.exists("/run/systemd/system/life.service"))
            #expect(!rig.machine.exists("/run/fleet/units/life.service"))
            #expect(try await rig.machine.run("systemctl show -P LoadState life.service") == "not-found\n")
            #expect(await rig.bus.reloadCount == 0)
        }
    }

    @Test("An observation read after the end of an operation comes before its end is told")
    func order() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("order.service")
            #expect(try await rig.install(unit, sleeper) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            let events = rig.now.events
            let end = try #require(events.lastIndex { if case .finished = $0 { true } else { false } })
            let before = events[..<end].last { if case .observed(unit, _) = $0 { true } else { false } }
            guard case .observed(_, let seen?) = before else { throw TestFailure("nothing observed: \(events)") }
            #expect(seen.activeState == "active" && !seen.hasJob)
            try await rig.clean(unit)
        }
    }

    @Test("Two hundred services are started and stopped at once")
    func manyAtOnce() async throws {
        try await Rig.with { rig in
            let units = try (0..<200).map { try UnitName("many-\($0).service") }
            let installed = try await rig.install(Dictionary(units.map { ($0, sleeper) }) { first, _ in first })
            #expect(installed.values.allSatisfy { $0 == .done })
            func all(_ operation: @Sendable @escaping (UnitName) -> UnitOperation) async throws {
                let results = try await withThrowingTaskGroup(of: OperationResult.self) { group in
                    for unit in units { group.addTask { try await rig.perform(operation(unit)) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(results == Array(repeating: .done, count: units.count))
            }
            try await all(UnitOperation.start)
            #expect(units.allSatisfy { rig.now.units[$0]?.subState == "running" })
            try await all(UnitOperation.stop)
            #expect(units.allSatisfy { rig.now.units[$0]?.activeState == "inactive" })
            try await all(UnitOperation.remove)
            #expect(units.allSatisfy { rig.now.units[$0] == nil })
            #expect(await rig.bus.reloadCount == 0)
        }
    }

    @Test("A oneshot service ends, stays, or fails")
    func oneshot() async throws {
        try await Rig.with { rig in
            let ends = try UnitName("ends.service")
            let stays = try UnitName("stays.service")
            let fails = try UnitName("fails.service")
            let head = "[Service]\nType=oneshot\n"
            let results = try await rig.install([
                ends: head + "ExecStart=/bin/true\n",
                stays: head + "RemainAfterExit=yes\nExecStart=/bin/true\n",
                fails: head + "ExecStart=/bin/sh -c 'exit 7'\n",
            ])
            #expect(results == [ends: .done, stays: .done, fails: .done])
            #expect(try await rig.perform(.start(ends)) == .done)
            #expect(rig.now.units[ends]?.activeState == "inactive")
            #expect(try await rig.perform(.start(stays)) == .done)
            #expect(rig.now.units[stays]?.subState == "exited")
            let failed = try await rig.perform(.start(fails)) as OperationResult
            #expect(failed.kind == .job(result: "failed"))
            #expect(failed.message.contains("Result: exit-code"))
            #expect(rig.now.units[fails]?.mainStatus == 7)
            #expect(try await rig.perform(.resetFailed(fails)) == .done)
            #expect(rig.now.units[fails]?.activeState == "inactive")
            try await rig.clean(ends, stays, fails)
        }
    }

    @Test("An instance has a file of its own, with or without its template")
    func instance() async throws {
        try await Rig.with { rig in
            let template = try UnitName("plate@.service")
            let one = try UnitName("plate@1.service")
            #expect(try await rig.install(template, "[Service]\nExecStart=/bin/sleep 111\n") == .done)
            #expect(try await rig.install(one, "[Service]\nExecStart=/bin/sleep 222\n") == .done)
            #expect(try await rig.perform(.start(one)) == .done)
            #expect(try await rig.machine.run("systemctl show -P ExecStart plate@1.service").contains("sleep 222"))
            try await rig.clean(one, template)
            #expect(try await rig.install(one, "[Service]\nExecStart=/bin/sleep %i00\n") == .done)
            #expect(try await rig.perform(.start(one)) == .done)
            #expect(try await rig.machine.run("systemctl show -P ExecStart plate@1.service").contains("sleep 100"))
            try await rig.clean(one)
        }
    }

    @Test("A socket and a timer")
    func socketAndTimer() async throws {
        try await Rig.with { rig in
            let service = try UnitName("knock.service")
            let socket = try UnitName("knock.socket")
            let timer = try UnitName("knock.timer")
            let results = try await rig.install([
                service: sleeper,
                socket: "[Socket]\nListenStream=/run/knock.sock\n",
                timer: "[Timer]\nOnActiveSec=1h\n",
            ])
            #expect(results == [service: .done, socket: .done, timer: .done])
            #expect(try await rig.perform(.start(socket)) == .done)
            #expect(rig.now.units[socket]?.subState == "listening")
            #expect(rig.now.units[socket]?.result == "success")
            #expect(try await rig.perform(.start(timer)) == .done)
            #expect(rig.now.units[timer]?.subState == "waiting")
            // Someone connects, and systemd starts the service by itself.
            let client = try TestMachine.connect(to: rig.machine.root + "/run/knock.sock")
            defer { close(client) }
            try await rig.wait(service) { $0.activeState == "active" }
            try await rig.clean(timer, socket, service)
        }
    }
}
