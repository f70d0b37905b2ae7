import CSystemd
package import FleetAgent
import FleetRuntime
import Glibc
import Logging
package import UnitFile

extension SystemdBus {
    struct FenceState {
        /// nil before anything was allowed.
        var folder: AllowedFolder?
        var areUnitsWritten = false
        /// Timers that systemd may have.
        var timers: Set<String> = []
        var areTimersKnown = false
    }
}

/// See `Fence`. The timer's time is absolute, so it does not matter how long fleetd or systemd takes to set it.
extension SystemdBus: Fence {
    package func inherited() -> Set<UnitName> {
        do {
            fence.folder = try AllowedFolder(at: allowedPath, makingIt: false)
        } catch {
            log.error("fence: \(error)")
        }
        return fence.folder?.units ?? []
    }

    package func arm(deadline: Duration) async -> FenceAnswer {
        do {
            if let isInPlace = fence.folder?.isInPlace, !isInPlace {
                fence.folder = nil
                return .fired
            }
            try openFolder()
            try writeUnits()
            try await findTimers()
            let timer = try await startTimer(deadline)
            let isDone = elapsed() < deadline && fence.folder?.isInPlace == true
            for old in fence.timers.subtracting([timer]) { try await stopTimer(old) }
            if !isDone { fence.folder = nil }
            return isDone ? .done : .fired
        } catch {
            log.error("fence: \(error)")
            return .failed
        }
    }

    package func disarm() async {
        do {
            for timer in fence.timers { try await stopTimer(timer) }
        } catch {
            // It comes down with nothing allowed, which stops nothing.
            log.info("fence: \(error)")
        }
    }

    package func allow(_ unit: UnitName) -> FenceAnswer {
        defer { markDirty(unit) }
        do throws(SystemdBusError) {
            try openFolder()
            return try fence.folder?.add(unit) == true ? .done : .fired
        } catch {
            log.error("fence: \(error)", metadata: ["unit": "\(unit)"])
            return .failed
        }
    }

    package func kill(_ units: [UnitName]) async {
        // Or `Restart=` would start them again.
        for unit in units { forbid(unit) }
        for unit in units {
            do throws(SystemdBusError) {
                try await command("KillUnit") { writer throws(SystemdBusError) in
                    try writer.string(unit.description)
                    try writer.string("all")
                    try writer.int(SIGKILL)
                }
            } catch {
                // Nothing of it runs any more, or systemd is about to end it by itself.
                if !error.isNoSuchUnit { log.error("fence: \(error)", metadata: ["unit": "\(unit)"]) }
            }
        }
    }

    package func forbid(_ unit: UnitName) {
        do throws(SystemdBusError) {
            try fence.folder?.remove(unit)
        } catch {
            log.error("fence: \(error)", metadata: ["unit": "\(unit)"])
        }
        markDirty(unit)
    }

    /// As this process sees the folder.
    private var allowedPath: String { directory.paths.root + directory.paths.allowed }

    private func openFolder() throws(SystemdBusError) {
        guard fence.folder == nil else { return }
        fence.folder = try AllowedFolder(at: allowedPath, makingIt: true)
    }

    private func writeUnits() throws(SystemdBusError) {
        guard !fence.areUnitsWritten else { return }
        try directory.writeFence()
        fence.areUnitsWritten = true
    }

    /// Timers that an earlier fleetd has left behind.
    private func findTimers() async throws(SystemdBusError) {
        guard !fence.areTimersKnown else { return }
        let timers = try await listUnits(in: [], matching: [FenceUnits.timers])
        fence.timers.formUnion(timers.map(\.name))
        fence.areTimersKnown = true
    }

    /// systemd counts `OnStartupSec=` from its own start, on a clock that stands still while the machine sleeps; the
    /// fence has come down before that (`FenceUnits.sleep`).
    private func startTimer(_ deadline: Duration) async throws -> String {
        // In this order: whatever comes between the two readings makes the timer early, not late.
        let monotonic = Self.monotonicMicroseconds
        let left = (deadline - elapsed()).microseconds
        let absolute = left < 0 ? monotonic : monotonic + UInt64(left)
        let timer = FenceUnits.timer(at: absolute)
        fence.timers.insert(timer)
        let start = UInt64(max(try await managerProperty("UserspaceTimestampMonotonic").number, 0))
        let result = try await runJob("StartTransientUnit") { writer throws(SystemdBusError) in
            try writer.transientUnit(timer) { () throws(SystemdBusError) in
                try writer.fenceTimer(microseconds: absolute > start ? absolute - start : 1)
            }
        }
        guard result == "done" else { throw SystemdBusError(.file, "the job for \(timer) ended as '\(result)'") }
        return timer
    }

    private func stopTimer(_ timer: String) async throws {
        do {
            _ = try await runJob("StopUnit") { writer throws(SystemdBusError) in
                try writer.string(timer)
                try writer.string("replace")
            }
        } catch let error as SystemdBusError where error.isNoSuchUnit {
            // It has fired, and systemd has forgotten it.
        }
        fence.timers.remove(timer)
    }

    private static var monotonicMicroseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }
}

extension Duration {
    fileprivate var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}

extension BusWriter {
    /// The properties of a transient timer (systemd.timer(5)).
    fileprivate func fenceTimer(microseconds: UInt64) throws(SystemdBusError) {
        try property("Description", text: "Fleet: stops AtMostOnce= units unless fleetd sets a later time")
        try property("TimersMonotonic", "a(st)") { () throws(SystemdBusError) in
            try container(BusType.array, "(st)") { () throws(SystemdBusError) in
                try container(BusType.structure, "st") { () throws(SystemdBusError) in
                    try string("OnStartupSec")
                    try number(microseconds)
                }
            }
        }
        try property("AccuracyUSec", number: 1000)
        try property("RemainAfterElapse", "b") { () throws(SystemdBusError) in try bool(false) }
    }
}
