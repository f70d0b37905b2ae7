import FleetAPI
import FleetModel
import UnitFile

/// Turns the progress of a change into what the user reads, in fleet's wording, and into the exit status.
struct ChangeReport {
    /// One line, without its newline.
    enum Line: Hashable, Sendable {
        /// Standard output: what scripts may match.
        case result(String)
        /// Standard error.
        case notice(String)
    }

    let request: ChangeRequest
    /// The registry has the change; leaving now does not undo it.
    private(set) var isStored = false
    /// The answer was complete.
    private(set) var isDone = false
    private(set) var hasFailed = false

    /// What became of Quadlet files' names in the registry.
    private var names: [QuadletName: UnitName] = [:]
    private var unchanged: Set<UnitName> = []
    private var settled: Set<UnitName> = []
    private var told: Set<String> = []

    init(_ request: ChangeRequest) { self.request = request }

    var exitStatus: Int32 { isDone && !hasFailed ? ExitStatus.success : ExitStatus.failure }

    /// Units of which nothing final was heard.
    var open: [UnitName] { units.filter { !settled.contains($0) } }

    /// In the order of the request.
    private var units: [UnitName] {
        var seen: Set<UnitName> = []
        return request.units.map { unit in unit.source.flatMap { names[$0] } ?? unit.name }
            .filter { seen.insert($0).inserted }
    }

    mutating func take(_ progress: ChangeProgress) -> [Line] {
        if let source = progress.source { names[source] = progress.unit }
        switch progress.kind {
        case .stored:
            isStored = true
            guard !request.wait, let unit = progress.unit else { return [] }
            return triggered(unit)
        case .unchanged:
            isStored = true
            if let unit = progress.unit {
                unchanged.insert(unit)
                if !request.wait { settled.insert(unit) }
            }
            return notice(progress.message)
        case .warning:
            return notice(progress.message.map { "WARNING: \($0)" })
        case .waiting:
            let reason = progress.message ?? "no reason was given"
            return notice(progress.unit.map { "Unit \($0) is waiting: \(reason)" } ?? reason)
        case .arrived:
            guard let unit = progress.unit else { return [] }
            settled.insert(unit)
            return isWorthTelling(unit, progress) ? [.result(arrival(unit, progress))] : []
        case .failed:
            hasFailed = true
            if let unit = progress.unit { settled.insert(unit) }
            return failed(progress)
        case .refused:
            hasFailed = true
            if let unit = progress.unit { settled.insert(unit) }
            return [.notice(refusal(progress))]
        case .done:
            isDone = true
            isStored = true
            return lastLines(progress)
        }
    }

    /// The line for `--block-attempts` when it has run out: fleet's words, for each unit that has not arrived.
    mutating func timeOut() -> [Line] {
        hasFailed = true
        let state = goal
        return open.map { .notice("timed out waiting for unit \($0) to report state \(state)") }
    }

    private var goal: String {
        switch request.action {
        case .submit, .unload: TargetState.inactive.rawValue
        case .load, .stop: TargetState.loaded.rawValue
        case .start, .restart: TargetState.launched.rawValue
        case .destroy: "destroyed"
        case .resetFailed: "reset"
        case .move: "moved"
        }
    }

    private mutating func triggered(_ unit: UnitName) -> [Line] {
        guard settled.insert(unit).inserted else { return [] }
        switch request.action {
        case .destroy: return [.result("Destroyed \(unit)")]
        case .submit: return [.result("Unit \(unit) inactive")]
        case .resetFailed: return []
        case .load, .start, .stop, .unload, .restart, .move:
            return [.result("Triggered unit \(unit) \(request.action.rawValue)")]
        }
    }

    /// fleet said nothing when a submitted unit was there already; and a unit whose failures are forgotten has arrived
    /// nowhere unless it runs again.
    private func isWorthTelling(_ unit: UnitName, _ progress: ChangeProgress) -> Bool {
        switch request.action {
        case .submit: !unchanged.contains(unit)
        case .resetFailed: progress.machine != nil
        case .load, .start, .stop, .unload, .restart, .destroy, .move: true
        }
    }

    private func arrival(_ unit: UnitName, _ progress: ChangeProgress) -> String {
        if request.action == .destroy { return "Destroyed \(unit)" }
        let state = progress.state?.rawValue ?? goal
        guard let machine = progress.machine, progress.state != .inactive else { return "Unit \(unit) \(state)" }
        if request.action == .move { return "Unit \(unit) is on \(machine.nameWithLegend)" }
        return "Unit \(unit) \(state) on \(machine.legend())"
    }

    private func failed(_ progress: ChangeProgress) -> [Line] {
        let unit = progress.unit.map { "Unit \($0)" } ?? "The change"
        let place = progress.machine.map { " on \($0.legend())" } ?? ""
        let reason = [progress.failure?.message, progress.message].compactMap { $0 }.first ?? "no reason was given"
        var lines = [Line.notice("\(unit) failed\(place): \(Printable.lines(reason).joined(separator: " "))")]
        if let more = progress.message, progress.failure != nil, more != reason {
            lines.append(.notice(Printable.lines(more).joined(separator: " ")))
        }
        for entry in progress.journal ?? [] {
            lines += Printable.lines(entry).map { .notice("    \($0)") }
        }
        if let unit = progress.unit { lines.append(.notice("See 'fleetctl why \(unit)' for the whole story.")) }
        return lines
    }

    private func refusal(_ progress: ChangeProgress) -> String {
        let reason = Printable.lines(progress.message ?? "no reason was given").joined(separator: "\n")
        guard let unit = progress.unit, !reason.contains(unit.description) else { return reason }
        return "\(unit): \(reason)"
    }

    /// fleet's closing lines of `stop` and `unload`; and for an answer without a line for each unit, those lines.
    private mutating func lastLines(_ progress: ChangeProgress) -> [Line] {
        var lines = notice(progress.message)
        if !request.wait, !hasFailed { for unit in open { lines += triggered(unit) } }
        guard request.wait, !hasFailed else { return lines }
        let units = units.map(\.description).joined(separator: " ")
        switch request.action {
        case .stop: lines.append(.notice("Successfully stopped units [\(units)]."))
        case .unload: lines.append(.notice("Successfully unloaded units [\(units)]."))
        case .submit, .load, .start, .restart, .resetFailed, .destroy, .move: break
        }
        return lines
    }

    /// A text for standard error, once.
    private mutating func notice(_ text: String?) -> [Line] {
        guard let text, !text.isEmpty, told.insert(text).inserted else { return [] }
        return [.notice(Printable.lines(text).joined(separator: "\n"))]
    }
}
