import FleetAgent
import FleetRuntime
import UnitFile

/// One fleetd's connection to its systemd: `UnitManager` with a continuation instead of `await`. Mirrors
/// `SystemdBus/SystemdBus+Operations.swift` and `SystemdBus+Observation.swift`: a signal marks a unit dirty, it is read
/// a little later, and what is told is what it is like then. An operation ends with an observation of its units and
/// then the result.
final class SystemdConnection {
    private unowned let world: SimWorld
    private unowned let systemd: SimSystemd
    private let process: SimProcess
    private let ticket: SimProcess.Ticket
    private let deliver: (UnitManagerEvent) -> Void
    private var random: SimRandom
    private var isOpen = true
    private var dirty: Set<UnitName> = []
    private var told: [UnitName: UnitObservation] = [:]

    init(_ systemd: SimSystemd, process: SimProcess, deliver: @escaping (UnitManagerEvent) -> Void) {
        self.systemd = systemd
        self.process = process
        self.deliver = deliver
        world = systemd.world
        ticket = process.ticket
        random = systemd.random.split(UInt64(bitPattern: systemd.world.now.microseconds))
    }

    /// Lists everything that is installed.
    func begin() {
        after(.milliseconds(1), .milliseconds(20)) {
            self.dirty = []
            self.told = self.systemd.observations
            self.deliver(.connected(self.told))
        }
    }

    /// Nothing more comes over this connection.
    func cut() { isOpen = false }

    private func after(_ shortest: SimSpan, _ longest: SimSpan, _ action: @escaping () -> Void) {
        world.after(random.skewedSpan(shortest, longest)) {
            self.process.perform(self.ticket) { if self.isOpen { action() } }
        }
    }

    // MARK: Observations

    func markDirty(_ unit: UnitName) {
        guard dirty.insert(unit).inserted else { return }
        after(SimSpan(microseconds: 100), .milliseconds(4)) { self.read(unit) }
    }

    private func read(_ unit: UnitName) {
        guard dirty.remove(unit) != nil else { return }
        let seen = systemd.observation(of: unit)
        guard seen != told[unit] else { return }
        told[unit] = seen
        deliver(.observed(unit, seen))
    }

    func unitFilesChanged() {
        after(SimSpan(microseconds: 100), .milliseconds(4)) { self.deliver(.unitFilesChanged) }
    }

    // MARK: Operations

    func perform(_ id: OperationID, _ operation: UnitOperation, _ texts: [ContentHash: String]) {
        systemd.checks.performed(operation, on: systemd.machine)
        switch operation {
        case .install(let installations): install(id, installations)
        case .start(let unit): run(.start, unit, id)
        case .restart(let unit): run(.restart, unit, id)
        case .stop(let unit): run(.stop, unit, id)
        case .remove(let unit): change(id, unit) { $0.remove(unit) }
        case .resetFailed(let unit): change(id, unit) { $0.resetFailed(unit) }
        // No unit of these fleets has a config.
        case .reload(let unit, _): change(id, unit) { _ in }
        case .probe(let units):
            after(.milliseconds(1), .milliseconds(5)) {
                var results: [UnitName: OperationResult] = [:]
                for unit in units { results[unit] = self.taken(unit) ?? .done }
                self.finish(id, results)
            }
        }
    }

    private func taken(_ unit: UnitName) -> OperationResult? {
        systemd.foreign.contains(unit) ? .nameTaken(path: "/etc/systemd/system/\(unit)") : nil
    }

    private func install(_ id: OperationID, _ installations: [UnitInstallation]) {
        let systemd = systemd
        world.after(random.skewedSpan(.milliseconds(1), .milliseconds(30))) {
            guard self.isOpen else { return }
            var results: [UnitName: OperationResult] = [:]
            for item in installations {
                guard let spec = self.world.specs[item.file] else {
                    preconditionFailure("\(item.unit): a file of nobody, \(item.file)")
                }
                results[item.unit] = self.taken(item.unit) ?? self.install(item, spec, systemd)
            }
            self.finish(id, results)
        }
    }

    private func install(_ item: UnitInstallation, _ spec: UnitSpec, _ systemd: SimSystemd) -> OperationResult {
        let isNew = systemd.units[item.unit] == nil
        systemd.install(item.unit, item.file, spec, atMostOnce: item.atMostOnce)
        guard spec.behaviour == .bad else { return .done }
        if isNew { systemd.remove(item.unit) }
        systemd.checks.failedForGood(item.unit)
        return .failed(OperationFailure(kind: .badUnit, message: "systemd does not accept the file"))
    }

    private func run(_ kind: SimUnit.Job.Kind, _ unit: UnitName, _ id: OperationID) {
        world.after(random.skewedSpan(SimSpan(microseconds: 200), .milliseconds(3))) {
            guard self.isOpen else { return }
            guard self.systemd.units[unit]?.file != nil else {
                let problem = OperationFailure(kind: .badUnit, message: "\(unit) is not installed")
                return self.finish(id, [unit: kind == .stop ? .done : .failed(problem)])
            }
            self.systemd.enqueue(kind, unit) { result in
                let problem = OperationFailure(kind: .job(result: result), message: "the job ended as '\(result)'")
                self.finish(
                    id,
                    [unit: result == "done" ? .done : .failed(problem)],
                    started: kind == .start ? unit : nil
                )
            }
        }
    }

    private func change(_ id: OperationID, _ unit: UnitName, _ body: @escaping (SimSystemd) -> Void) {
        world.after(random.skewedSpan(.milliseconds(1), .milliseconds(10))) {
            guard self.isOpen else { return }
            body(self.systemd)
            self.finish(id, [unit: .done])
        }
    }

    /// Reads the units once more, tells how they are, and then the result.
    private func finish(_ id: OperationID, _ results: [UnitName: OperationResult], started: UnitName? = nil) {
        after(SimSpan(microseconds: 100), .milliseconds(2)) {
            for unit in results.keys.sorted() where !self.world.has(.forgetStateAfterOperation) {
                let seen = self.systemd.observation(of: unit)
                self.dirty.remove(unit)
                self.told[unit] = seen
                self.deliver(.observed(unit, seen))
            }
            if let started, results[started] == .done, self.systemd.observation(of: started)?.isAllowed != false {
                self.systemd.checks.started(started, on: self.systemd.machine)
            }
            self.deliver(.finished(id, results))
        }
    }
}
