import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import UnitFile

/// Runs the agent's core. Mirrors `FleetRuntime/Agent/AgentService.swift` and `FileTexts.swift`.
final class AgentShell {
    private let machine: SimMachine
    private let client: StoreClient
    private let registry: RegistryShell
    private let locks: LockShell
    private let keyspace: Keyspace
    private var core: AgentCore
    private var publications: Publications
    private var isPublishing = false
    private var publishBackoff = Backoff()
    private var followBackoff = Backoff()
    private var alarm: Timestamp?
    private var texts: [ContentHash: String] = [:]
    private var uses: [ContentHash] = []
    /// What the core was told last, for the checks.
    private(set) var known: [UnitName: Assignment] = [:]

    init(_ machine: SimMachine, _ client: StoreClient, _ registry: RegistryShell, _ locks: LockShell) {
        self.machine = machine
        self.client = client
        self.registry = registry
        self.locks = locks
        keyspace = registry.keyspace
        core = AgentCore(machine: machine.id, ledger: machine.readLedger())
        publications = Publications(machine: machine.id, keyspace: keyspace)
    }

    var admitted: ((@escaping () -> Void) -> Void)?

    func noticed(_ news: OwnKeys.News) {
        publications.noticed(news)
        publishIfDue()
    }

    func start() {
        followAssignments()
        connect()
    }

    // MARK: Inputs

    func take(_ input: AgentInput) {
        note(input)
        for directive in core.step(input, now: machine.clock.now) { follow(directive) }
        publishIfDue()
    }

    private func note(_ input: AgentInput) {
        switch input {
        case .listed(let assignments, _, let unreadable):
            known = assignments.merging(known.filter { unreadable.contains($0.key) }) { new, _ in new }
            for (unit, assignment) in assignments { keepAnEyeOnVolumes(of: unit, assignment) }
        case .assigned(let changes):
            for (unit, assignment) in changes {
                known[unit] = assignment
                keepAnEyeOnVolumes(of: unit, assignment)
            }
        default: break
        }
        machine.world.note { "m\(machine.index) agent <- \(input)" }
    }

    private func keepAnEyeOnVolumes(of unit: UnitName, _ assignment: Assignment?) {
        machine.systemd.keepAnEye(on: assignment?.volumes ?? [], of: unit)
    }

    private func follow(_ directive: AgentDirective) {
        switch directive {
        case .perform(let id, let operation): perform(id, operation)
        case .publish(let unit, let status): publications.publish(status, of: unit)
        case .refuse(let unit, let refusal): publications.publish(refusal, of: unit)
        case .record(let event):
            machine.world.note { "m\(machine.index) agent: \(event.unit) \(event.kind): \(event.message)" }
            publications.append(event)
        case .remember(let unit, let entry): machine.remember(entry, of: unit)
        case .readJournal(let unit, let run, _):
            machine.process.after(.milliseconds(2)) { [self] in take(.journal(unit, run, lines: ["last words"])) }
        case .check(let id, let unit, _, _): makeCheck(id, unit)
        // The simulated units run no containers.
        case .pull(let id, let unit, _):
            machine.process.after(.milliseconds(1)) { [self] in take(.pulled(id, unit, .present)) }
        case .endPull: break
        case .lock(let unit): machine.process.after(.zero) { [self] in locks.acquire(unit) }
        case .unlock(let unit): machine.process.after(.zero) { [self] in locks.release(unit) }
        case .wake(let at):
            alarm = at
            let left = SimSpan(max(at.since(machine.clock.now), .zero))
            machine.clock.wake(machine.process, after: left) { [self] in
                guard alarm == at else { return }
                alarm = nil
                take(.wake)
            }
        }
    }

    /// A check takes a moment, and finds what the unit is when it ends.
    private func makeCheck(_ id: CheckID, _ unit: UnitName) {
        machine.process.after(.milliseconds(5)) { [self] in
            let isSick = machine.systemd.units[unit]?.spec.isSick(on: machine.index) ?? false
            take(.checked(id, unit, isSick ? .unhealthy(output: "sick") : .healthy(output: "")))
        }
    }

    // MARK: systemd

    func connect() {
        let connection = SystemdConnection(machine.systemd, process: machine.process) { [unowned self] in deliver($0) }
        machine.systemd.connection = connection
        connection.begin()
    }

    /// systemd was executed anew, or the bus has gone.
    func disconnect() {
        machine.systemd.connection?.cut()
        machine.systemd.connection = nil
        take(.disconnected)
        machine.process.after(.milliseconds(150)) { [self] in connect() }
    }

    private func deliver(_ event: UnitManagerEvent) {
        switch event {
        case .connected(let observations): take(.connected(observations))
        case .disconnected: take(.disconnected)
        case .observed(let unit, let observation): take(.observed(unit, observation))
        case .unitFilesChanged: take(.unitFilesChanged)
        case .finished(let id, let results): take(.finished(id, results))
        }
    }

    private func perform(_ id: OperationID, _ operation: UnitOperation) {
        machine.world.note { "m\(machine.index) agent -> \(id): \(operation)" }
        machine.checks.asked(operation, knowing: known, machine)
        if case .install(let installations) = operation { return install(id, installations) }
        carryOut(id, operation, [:])
    }

    private func carryOut(_ id: OperationID, _ operation: UnitOperation, _ texts: [ContentHash: String]) {
        guard let operation = core.remainder(id, operation) else { return }
        guard let connection = machine.systemd.connection else {
            let results = Dictionary(operation.units.map { ($0, OperationResult.unknown) }) { first, _ in first }
            return machine.process.after(.zero) { [self] in take(.finished(id, results)) }
        }
        connection.perform(id, operation, texts)
    }

    /// Fetches the texts and installs what has one; the others have ended here.
    private func install(_ id: OperationID, _ installations: [UnitInstallation]) {
        let wanted = Set(installations.map(\.file)).sorted()
        var answers: [ContentHash: FileAnswer] = [:]
        func answered(_ file: ContentHash, _ answer: FileAnswer) {
            answers[file] = answer
            guard answers.count == wanted.count else { return }
            install(id, installations, answers)
        }
        for file in wanted {
            if let text = texts[file] {
                keep(file, text)
                answered(file, .text(text))
            } else {
                fetch(file, answered)
            }
        }
    }

    private enum FileAnswer {
        case text(String)
        case missing(String)
        case unavailable
    }

    private func fetch(_ file: ContentHash, _ answered: @escaping (ContentHash, FileAnswer) -> Void) {
        client.range(.key(RegistryKey.file(file).key(in: keyspace)), limit: 1) { [self] answer in
            guard case .success(let answer) = answer else { return answered(file, .unavailable) }
            guard let entry = answer.entries.first else {
                return answered(file, .missing("the registry has no unit file \(file.short)"))
            }
            let text = String(decoding: entry.value, as: UTF8.self)
            keep(file, text)
            answered(file, .text(text))
        }
    }

    private func keep(_ file: ContentHash, _ text: String) {
        uses.removeAll { $0 == file }
        uses.append(file)
        texts[file] = text
        if uses.count > AgentServiceLimits.cachedFiles { texts[uses.removeFirst()] = nil }
    }

    private func install(
        _ id: OperationID,
        _ installations: [UnitInstallation],
        _ answers: [ContentHash: FileAnswer]
    ) {
        var texts: [ContentHash: String] = [:]
        var ready: [UnitInstallation] = []
        var results: [UnitName: OperationResult] = [:]
        for installation in installations {
            switch answers[installation.file] {
            case .text(let text)?:
                texts[installation.file] = text
                ready.append(installation)
            case .missing(let reason)?:
                results[installation.unit] = .failed(OperationFailure(kind: .badUnit, message: reason))
            case .unavailable?, nil: results[installation.unit] = .unknown
            }
        }
        if !results.isEmpty { take(.finished(id, results)) }
        if !ready.isEmpty { carryOut(id, .install(ready), texts) }
    }

    // MARK: The registry

    private func followAssignments() {
        guard let admitted else { return readAssignments() }
        admitted { [self] in readAssignments() }
    }

    private func readAssignments() {
        let format = KeyRange.key(RegistryKey.format.key(in: keyspace))
        client.range(format, limit: 1) { [self] answer in
            guard case .success = answer else { return lost() }
            client.range(keyspace.assignments(of: machine.id)) { [self] answer in
                guard case .success(let assignments) = answer else { return lost() }
                client.range(keyspace.refusals(of: machine.id)) { [self] answer in
                    guard case .success(let refusals) = answer else { return lost() }
                    followBackoff.reset()
                    list(assignments, refusals)
                }
            }
        }
    }

    private func list(_ listed: RangeAnswer, _ refused: RangeAnswer) {
        var assignments: [UnitName: Assignment] = [:]
        for entry in listed.entries {
            guard case .assignment(_, let unit)? = RegistryKey(entry.key, in: keyspace) else { continue }
            assignments[unit] = read(entry)
        }
        var refusals: [UnitName: Refusal] = [:]
        for entry in refused.entries {
            guard case .refusal(_, let unit)? = RegistryKey(entry.key, in: keyspace) else { continue }
            refusals[unit] = try? RegistryValue.decode(Refusal.self, from: entry.value)
        }
        take(.listed(assignments: assignments, refusals: refusals))
        _ = client.watch(keyspace.assignments(of: machine.id), from: listed.revision.next) { [self] batch in
            fold(batch.events)
        } end: { [self] error in
            if error.code == .compacted { followAssignments() } else { lost() }
        }
    }

    private func lost() {
        take(.registryLost)
        if machine.world.has(.emptyListWhenLost) { take(.listed(assignments: [:], refusals: [:])) }
        machine.clock.wake(machine.process, after: SimSpan(followBackoff.delay())) { [self] in followAssignments() }
    }

    private func fold(_ events: [StoreEvent]) {
        var changes: [UnitName: Assignment?] = [:]
        for event in events {
            guard case .assignment(_, let unit)? = RegistryKey(event.key, in: keyspace) else { continue }
            switch event {
            case .put(let entry): changes.updateValue(read(entry), forKey: unit)
            case .delete: changes.updateValue(nil, forKey: unit)
            }
        }
        if !changes.isEmpty { take(.assigned(changes)) }
    }

    private func read(_ entry: StoredEntry) -> Assignment {
        do throws(RegistryValueError) {
            return try RegistryValue.decode(Assignment.self, from: entry.value)
        } catch {
            preconditionFailure("\(entry.key) \(error)")
        }
    }

    // MARK: Publishing

    func hang(on lease: LeaseID) {
        if machine.world.has(.publishUnderDeadLease), hasLease { return }
        hasLease = true
        publications.hang(on: lease)
        publishIfDue()
    }

    private var hasLease = false

    private func publishIfDue() {
        guard publications.isDue, !isPublishing else { return }
        isPublishing = true
        // A task wakes up for it: what comes in the meantime goes along.
        machine.process.after(SimSpan(microseconds: 50)) { [self] in publishBatch() }
    }

    private func publishBatch() {
        var stored: [UnitName: [EventID]] = [:]
        for unit in publications.unitsWithEvents { stored[unit] = registry.snapshot.eventIDs[unit] ?? [] }
        guard let batch = publications.next(stored: stored) else {
            isPublishing = false
            return
        }
        client.commit(batch.transaction, by: .agent(machine: machine.index)) { [self] outcome in
            switch outcome {
            case .committed(let revision):
                publications.committed(batch, at: revision)
                published()
            case .conflict: preconditionFailure("a transaction without compares conflicts with nothing")
            case .refused(let error) where error.code == .leaseNotFound:
                if machine.world.has(.publishUnderDeadLease) { return published() }
                publications.putBackWithoutLease(batch)
                published()
            case .refused, .unknown:
                publications.putBack(batch)
                machine.clock.wake(machine.process, after: SimSpan(publishBackoff.delay())) { [self] in publishBatch() }
            }
        }
    }

    private func published() {
        publishBackoff.reset()
        isPublishing = false
        publishIfDue()
    }
}
