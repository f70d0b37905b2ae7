import FleetAgent
import FleetRuntime
import Foundation
import SystemdBus
import Testing
import UnitFile

extension RealSystemd {
    /// A unit that writes a mark every 10 ms and takes no notice of SIGTERM.
    static let stubborn = """
        [Service]
        ExecStart=/bin/bash -c 'trap "" TERM; while :; do read t _ </proc/uptime; echo $$t >>/run/%N; sleep 0.01; done'
        TimeoutStopSec=300ms
        Restart=always

        """

    @Test("An at-most-once unit starts only while it is allowed, without a reload")
    func condition() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("fenced-one.service")
            #expect(try await rig.install(unit, sleeper, atMostOnce: true) == .done)
            #expect(rig.now.units[unit]?.isAllowed == false)
            #expect(try await rig.perform(.start(unit)) == .done)
            #expect(rig.now.units[unit]?.activeState == "inactive")
            #expect(await rig.bus.allow(unit) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            #expect(rig.now.units[unit]?.activeState == "active")
            #expect(rig.now.units[unit]?.isAllowed == true)
            #expect(await rig.bus.reloadCount == 0)
            await rig.bus.forbid(unit)
            try await rig.clean(unit)
            #expect(!rig.machine.exists("/run/systemd/system/fenced-one.service.d"))
        }
    }

    @Test("The fence stops what is allowed, and nothing starts after it")
    func comesDown() async throws {
        try await Rig.with { rig in
            let (fenced, free) = (try UnitName("fenced-two.service"), try UnitName("fenced-not.service"))
            let start = ContinuousClock.now
            #expect(try await rig.install(fenced, Self.stubborn, atMostOnce: true) == .done)
            #expect(try await rig.install(free, sleeper) == .done)
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .done)
            #expect(await rig.bus.allow(fenced) == .done)
            #expect(try await rig.perform(.start(fenced)) == .done)
            #expect(try await rig.perform(.start(free)) == .done)
            // An earlier time counts, whatever was armed before.
            let deadline = rig.elapsed() + .seconds(1)
            #expect(await rig.bus.arm(deadline: deadline) == .done)
            let timers = try await rig.machine.run("systemctl list-units --no-legend --plain 'fleet-fence@*.timer'")
            #expect(timers.split(separator: "\n").count == 1, "one timer is left: \(timers)")
            try await rig.wait(fenced) { $0.isAllowed == false && ["failed", "inactive"].contains($0.activeState) }
            let took = start.duration(to: .now)
            #expect(rig.elapsed() - deadline < .seconds(2), "down within the stop time, after \(took)")
            #expect(try await rig.machine.run("systemctl is-active fenced-not.service") == "active\n")
            // It had Restart=always, and a start by hand is refused as well.
            _ = try await rig.machine.run("systemctl start fenced-two.service")
            let active = try await rig.machine.run("systemctl show -P ActiveState fenced-two.service")
            #expect(["failed\n", "inactive\n"].contains(active))
            #expect(await rig.bus.allow(fenced) == .fired)
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .fired)
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .done)
            #expect(await rig.bus.allow(fenced) == .done)
            #expect(try await rig.perform(.resetFailed(fenced)) == .done)
            #expect(try await rig.perform(.start(fenced)) == .done)
            #expect(rig.now.units[fenced]?.activeState == "active")
            await rig.bus.forbid(fenced)
            await rig.bus.disarm()
            try await rig.clean(fenced, free)
        }
    }

    @Test("A fence that comes down long after its time kills")
    func kills() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("fenced-late.service")
            // It would have three seconds to stop.
            let text = Self.stubborn.replacingOccurrences(of: "TimeoutStopSec=300ms", with: "TimeoutStopSec=1min")
            #expect(try await rig.install(unit, text, atMostOnce: true) == .done)
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .done)
            #expect(await rig.bus.allow(unit) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            let start = rig.elapsed()
            // As the timer of the first second after the boot would.
            _ = try await rig.machine.run("systemctl start fleet-fence@1000000.service")
            try await rig.wait(unit) { ["failed", "inactive"].contains($0.activeState) }
            #expect(rig.elapsed() - start < .seconds(2))
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .fired)
            await rig.bus.disarm()
            try await rig.clean(unit)
        }
    }

    @Test("fleetd kills too, and starts nothing for that")
    func killsByItself() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("fenced-frozen.service")
            let text = Self.stubborn.replacingOccurrences(of: "TimeoutStopSec=300ms", with: "TimeoutStopSec=1min")
            #expect(try await rig.install(unit, text, atMostOnce: true) == .done)
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .done)
            #expect(await rig.bus.allow(unit) == .done)
            #expect(try await rig.perform(.start(unit)) == .done)
            await rig.bus.kill([unit, try UnitName("fenced-not-there.service")])
            try await rig.wait(unit) { ["failed", "inactive"].contains($0.activeState) }
            #expect(!rig.machine.exists("/run/fleet/allowed/\(unit)"), "or Restart=always would start it again")
            await rig.bus.disarm()
            try await rig.clean(unit)
        }
    }

    @Test("A fence that was armed too late comes down at once")
    func late() async throws {
        try await Rig.with { rig in
            #expect(await rig.bus.arm(deadline: rig.elapsed() - .seconds(1)) == .fired)
            try await eventually(within: .seconds(10)) {
                TestFailure("what was allowed is still there")
            } _: {
                !rig.machine.exists("/run/fleet/allowed")
            }
            #expect(await rig.bus.arm(deadline: rig.elapsed() + .seconds(20)) == .done)
            await rig.bus.disarm()
            let left = try await rig.machine.run("systemctl list-units --no-legend --plain 'fleet-fence@*.timer'")
            #expect(left.isEmpty)
        }
    }
}
