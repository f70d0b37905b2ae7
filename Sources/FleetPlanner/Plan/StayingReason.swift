package import FleetModel
package import UnitFile

/// Why a unit is still on a machine that it should leave. `description` is a sentence without a full stop.
package enum StayingReason: Hashable, Sendable {
    /// It runs here until it runs there.
    case startingOn(MachineID)
    /// `DrainPace.movesInFlight` others are on their way.
    case waitsForTurn
    /// `MachineOf=`, or a pod: that unit goes first.
    case waitsForPeer(UnitName)
    case noEligibleMachine([MachineID: IneligibleReason])
    /// It failed where it should have gone, and is tried again then.
    case failedElsewhere(until: Timestamp)
    /// It failed elsewhere so often that it is not tried again.
    case givenUp(String)
}

extension StayingReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .startingOn(let machine): "it is being started on \(machine.short)"
        case .waitsForTurn: "it waits for its turn: at most \(DrainPace.movesInFlight) units move at a time"
        case .waitsForPeer(let peer): "it waits for \(peer), which goes first"
        case .noEligibleMachine(let reasons):
            reasons.isEmpty
                ? "there is no other machine" : "no other machine is eligible: \(BlockedReason.summary(reasons))"
        case .failedElsewhere(let until): "it failed elsewhere, to be tried again at \(until)"
        case .givenUp(let reason): "it failed elsewhere: \(reason)"
        }
    }
}
