import FleetAPI
import FleetModel

/// Turns the progress of an order into what the operator reads.
struct OrderReport {
    let request: MachineOrderRequest
    /// The registry has the order; leaving now does not undo it.
    private(set) var isStored = false
    /// The answer was complete.
    private(set) var isDone = false
    private(set) var hasFailed = false

    init(_ request: MachineOrderRequest) { self.request = request }

    mutating func take(_ progress: MachineProgress) -> ChangeReport.Line? {
        let machine = progress.machine?.nameWithLegend ?? "the fleet"
        switch progress.kind {
        case .stored:
            isStored = true
            return .result("\(verb) \(machine)")
        case .unchanged:
            isStored = true
            return .result("\(machine) \(already)")
        case .left:
            guard let unit = progress.unit else { return nil }
            if let to = progress.to { return .result("Unit \(unit) left \(machine) for \(to.nameWithLegend)") }
            return .result("Unit \(unit) left \(machine)" + (progress.message.map { ": \(Printable.line($0))" } ?? ""))
        case .staying:
            guard let unit = progress.unit else { return nil }
            return .notice(
                "Unit \(unit) is on \(machine) still: \(Printable.line(progress.message ?? "no reason given"))"
            )
        case .waiting:
            return .notice("Waiting for \(machine): \(Printable.line(progress.message ?? "no reason given"))")
        case .drained: return .result("Drained \(machine)")
        case .ended:
            hasFailed = true
            return .notice(
                "fleetctl: \(machine) is not drained: \(Printable.line(progress.message ?? "no reason given"))"
            )
        case .warning: return progress.message.map { .notice("WARNING: \(Printable.line($0))") }
        case .done:
            isDone = true
            return nil
        }
    }

    private var verb: String {
        switch request.action {
        case .cordon: "Cordoned"
        case .uncordon: "Uncordoned"
        case .drain: "Draining"
        case .forget: "Forgot"
        }
    }

    private var already: String {
        switch request.action {
        case .cordon: "is cordoned already"
        case .uncordon: "is not cordoned"
        case .drain: "is being drained already"
        case .forget: "is forgotten already"
        }
    }
}
