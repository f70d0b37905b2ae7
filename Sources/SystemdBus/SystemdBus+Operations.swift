package import FleetAgent
import FleetRuntime
import Logging
package import UnitFile

extension SystemdBus {
    /// See `UnitManager`. The caller never has two operations for one unit at once.
    package func perform(_ id: OperationID, _ operation: UnitOperation, texts: [ContentHash: String]) async {
        let units = operation.units
        // An operation that was asked for over a lost connection may still be at its end.
        guard isListed, let begun = connection, busy.isDisjoint(with: units) else {
            return tell(.finished(id, Self.unknown(units)))
        }
        busy.formUnion(units)
        if operation.movesFiles { observation.settling.formUnion(units) }
        var seen = Seen()
        let results = await results(of: operation, texts, &seen)
        busy.subtract(units)
        observation.settling.subtract(units)
        // What was seen over another connection belongs to a listing that the agent has forgotten.
        guard connection === begun, await tellState(of: units, seen), connection === begun else {
            return tell(.finished(id, Self.unknown(units)))
        }
        tell(.finished(id, results))
    }

    private static func unknown(_ units: [UnitName]) -> [UnitName: OperationResult] {
        Dictionary(units.map { ($0, .unknown) }) { first, _ in first }
    }

    private func results(
        of operation: UnitOperation,
        _ texts: [ContentHash: String],
        _ seen: inout Seen
    ) async -> [UnitName: OperationResult] {
        switch operation {
        case .install(let installations):
            let batch = await install(installations, texts)
            seen = Seen(units: batch.listed, reading: batch.listing)
            return batch.results
        case .start(let unit): return [unit: await job("StartUnit", unit)]
        case .restart(let unit): return [unit: await job("RestartUnit", unit)]
        case .reload(let unit, let credentials): return [unit: await reload(unit, credentials)]
        case .stop(let unit): return [unit: await stop(unit)]
        case .remove(let unit): return [unit: await remove(unit)]
        case .resetFailed(let unit): return [unit: await resetFailed(unit)]
        case .probe(let units): return await probe(units)
        }
    }

    /// What an operation has come to know of its units on the way.
    struct Seen {
        var units: [UnitName: ListedUnit] = [:]
        /// The reading that told it.
        var reading = 0
    }

    /// A start, restart or reload of a unit of ours.
    func job(_ method: String, _ unit: UnitName) async -> OperationResult {
        guard ours[unit] != nil else { return .failed(.init(kind: .badUnit, message: "\(unit) is not installed")) }
        let began = Self.realtimeMicroseconds
        do {
            let result = try await runJob(method, unit)
            if result == "done" || result == "skipped" { return .done }
            return .failed(OperationFailure(kind: .job(result: result), message: await explain(result, unit)))
        } catch {
            guard let problem = error as? SystemdBusError, problem.isAboutFile else { return outcome(of: error) }
            let id = PropertyID(unit: unit, interface: SystemdName.unit, name: "LoadState")
            do {
                // A unit that this one requires has a file with errors, or none; systemd says which.
                guard let load = try await properties([id])[id]?.text, load != "loaded" else {
                    return outcome(of: problem)
                }
                let message = try await explainBadUnit(unit, load, since: began)
                return .failed(OperationFailure(kind: .badUnit, message: message))
            } catch {
                return outcome(of: error)
            }
        }
    }

    /// One sentence about a job that did not end as `done`.
    private func explain(_ result: String, _ unit: UnitName) async -> String {
        let interface = Self.interface(of: unit.type)
        let id = PropertyID(unit: unit, interface: interface, name: "Result")
        let detail = (try? await properties([id]))?[id]?.text ?? ""
        switch result {
        case "dependency":
            return await explainCompanion(of: unit) ?? "a unit that it requires failed to start"
        case "canceled": return "the job for \(unit) was cancelled by another one"
        case _ where detail.isEmpty || detail == "success": return "the job for \(unit) ended as '\(result)'"
        default: return "the job for \(unit) ended as '\(result)' (Result: \(detail))"
        }
    }

    /// A unit that systemd does not know is stopped.
    private func stop(_ unit: UnitName) async -> OperationResult {
        guard ours[unit] != nil else { return .done }
        do {
            let result = try await runJob("StopUnit", unit)
            if result == "done" || result == "skipped" { return .done }
            return .failed(OperationFailure(kind: .job(result: result), message: await explain(result, unit)))
        } catch {
            guard let error = error as? SystemdBusError, case .refused = error.code else { return outcome(of: error) }
            if error.isNoSuchUnit { return .done }
            // systemd refuses to queue a job for a unit whose file is bad. If nothing of it runs, it is stopped.
            let id = PropertyID(unit: unit, interface: SystemdName.unit, name: "ActiveState")
            let state = (try? await properties([id]))?[id]?.text
            return state == "inactive" || state == "failed" ? .done : outcome(of: error)
        }
    }

    private func resetFailed(_ unit: UnitName) async -> OperationResult {
        guard ours[unit] != nil else { return .done }
        do {
            try await resetFailed(unit.description)
            return .done
        } catch {
            return outcome(of: error)
        }
    }

    private func probe(_ units: [UnitName]) async -> [UnitName: OperationResult] {
        do {
            let taken = try await takenNames(units)
            return Dictionary(units.map { ($0, taken[$0].map(OperationResult.nameTaken) ?? .done) }) { first, _ in first
            }
        } catch {
            return Dictionary(units.map { ($0, outcome(of: error)) }) { first, _ in first }
        }
    }

    private func remove(_ unit: UnitName) async -> OperationResult {
        guard ours[unit] != nil || directory.isOurs(unit) else { return .done }
        do {
            if let text = directory.text(of: unit), InstallSection(of: text).isPresent {
                do {
                    try await disableUnitFiles([unit])
                } catch {
                    // An [Install] section that systemd cannot read has enabled nothing.
                    guard case .refused = error.code else { throw error }
                    log.info("systemd: disabling failed: \(error)", metadata: ["unit": "\(unit)"])
                }
            }
            if !unit.isTemplate { try await resetFailed(unit.description) }
            removeFiles(of: unit)
            try await removeUnneededCompanions()
            // systemd drops a unit at rest by itself, unless another unit refers to it: then only a reload makes it
            // forget the file.
            if !unit.isTemplate, try await !loadedUnits([unit]).isEmpty, try await isAtRest(unit) { try await reload() }
            return .done
        } catch {
            return outcome(of: error)
        }
    }

    private func isAtRest(_ unit: UnitName) async throws(SystemdBusError) -> Bool {
        let names = ["ActiveState", "LoadState"].map { PropertyID(unit: unit, interface: SystemdName.unit, name: $0) }
        let values = try await properties(names)
        return values[names[0]]?.text == "inactive" && values[names[1]]?.text == "loaded"
    }

    /// What an operation that ended in an error came to.
    func outcome(of error: any Error) -> OperationResult {
        guard let error = error as? SystemdBusError else {
            return .failed(OperationFailure(kind: .bus(name: ""), message: "\(error)"))
        }
        switch error.code {
        case .noAnswer, .notConnected:
            return .unknown
        case .file:
            return .failed(OperationFailure(kind: .badUnit, message: error.message))
        case .malformed:
            return .failed(OperationFailure(kind: .bus(name: ""), message: error.message))
        case .refused(let name):
            let isAboutFile = error.isAboutFile
            let message = error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message
            return .failed(OperationFailure(kind: isAboutFile ? .badUnit : .bus(name: name), message: message))
        }
    }
}

extension UnitOperation {
    /// What systemd says of the units meanwhile is about a file that comes or goes: of no use, and asking would make it
    /// read that file once more.
    fileprivate var movesFiles: Bool {
        switch self {
        case .install, .remove: true
        case .start, .restart, .reload, .stop, .resetFailed, .probe: false
        }
    }
}

// MARK: - Reload

extension SystemdBus {
    struct ReloadState {
        /// The reload that has been asked for and not begun: whoever wants one now shares it.
        var next: Task<Result<Void, SystemdBusError>, Never>?
        /// The reload that systemd does now. It may have read some files already, so it is not shared.
        var running: Task<Result<Void, SystemdBusError>, Never>?
        /// How many were done, for tests and measurements.
        var count = 0
    }

    /// Makes systemd read all unit files again. Never more than one at a time: it costs time in proportion to all
    /// units of the machine, and PID 1 does nothing else meanwhile.
    func reload() async throws(SystemdBusError) {
        if let next = reloads.next { return try await next.value.get() }
        let previous = reloads.running
        let task = Task {
            if let previous { _ = await previous.value }
            reloads.running = reloads.next
            reloads.next = nil
            reloads.count += 1
            let result: Result<Void, SystemdBusError>
            do throws(SystemdBusError) {
                result = .success(try await command("Reload"))
            } catch {
                result = .failure(error)
            }
            reloads.running = nil
            return result
        }
        reloads.next = task
        try await task.value.get()
    }

    /// Reloads asked for on this connection's behalf since the start.
    package var reloadCount: Int { reloads.count }
}
