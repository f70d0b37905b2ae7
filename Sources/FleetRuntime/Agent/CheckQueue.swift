import FleetAgent
import FleetModel
import UnitFile

/// Health checks that were asked for: a bounded number is under way, the others wait in order. A check's time begins
/// when it does, so that a machine with many units is slow to see, never wrong.
struct CheckQueue {
    struct Check: Sendable {
        var id: CheckID
        var unit: UnitName
        var check: HealthCheck
        var invocation: String
    }

    private var waiting: [Check] = []
    private var underway = 0

    /// The check, if it may begin now.
    mutating func add(_ check: Check) -> Check? {
        waiting.append(check)
        return next()
    }

    /// One has ended: the one that may begin now.
    mutating func ended() -> Check? {
        underway -= 1
        return next()
    }

    private mutating func next() -> Check? {
        guard underway < AgentServiceLimits.checksUnderway, !waiting.isEmpty else { return nil }
        underway += 1
        return waiting.removeFirst()
    }
}
