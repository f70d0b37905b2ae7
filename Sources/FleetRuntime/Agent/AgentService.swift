import FleetAgent
package import FleetModel
package import FleetRegistry
package import Logging
import ServiceLifecycle
package import UnitFile

/// Runs the agent: brings `AgentCore` its inputs, in order, and does what its directives say.
///
/// Nothing here decides, and nothing polls: it wakes up for a change of this machine's assignments, for a signal of
/// systemd, for the end of an operation, and for a time that the core asked for. When it ends, units are left alone.
package actor AgentService: Service {
    /// What takes time and is done beside the actor.
    private enum Work: Sendable {
        case operation(OperationID, UnitOperation)
        case journal(UnitName, RunID, invocation: String)
        case check(CheckQueue.Check)
        case answers
        case alarm(Timestamp)
    }

    private let store: any KeyValueStore
    private let machine: MachineID
    private let assignments: AssignmentReader
    private let units: any UnitManager
    private let prober: any HealthProber
    private let puller: any ImagePuller
    private let ledger: any LedgerStore
    private let memory: AcceptedUnits?
    private let leases: AsyncStream<LeaseID>
    private let locks: LockService
    private let admission: (any Admission)?
    private let storedEvents: @Sendable (UnitName) async -> [EventID]
    private let clock: any WallClock
    private let log: Logger
    private let files: FileTexts
    private let inventory: InventoryKeeper
    private let images: ImageKeeper

    private var core: AgentCore
    private var publications: Publications
    private let work: AsyncStream<Work>
    private let addWork: AsyncStream<Work>.Continuation
    private let news: AsyncStream<Void>
    private let signalNews: AsyncStream<Void>.Continuation
    private var inFlight = 0
    private var waiting: [(OperationID, UnitOperation)] = []
    private var checks = CheckQueue()
    private var pulls: [PullID: Task<Void, Never>] = [:]
    /// Answers that are taken in one step: containers that were assigned together are installed together, which takes
    /// one run of podman's generator instead of one for each.
    private var answers: [AgentInput] = []
    private var hasEndedOldPulls = false
    private var alarm: Timestamp?
    /// Ends once it is known what this machine is to run, from the registry or from what it was told last. One
    /// consumer.
    package nonisolated let informed: AsyncStream<Never>
    private let signalInformed: AsyncStream<Never>.Continuation

    /// `memory` outlives the machine's power; nil where the registry is as near. `leases` are the machine's
    /// (`MachineSession.leases()`); while `admission` refuses the machine, nothing is done for the fleet.
    /// `storedEvents` are the ids of a unit's stored events, oldest first, as far as known.
    package init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        machine: MachineID,
        units: any UnitManager,
        prober: any HealthProber,
        puller: any ImagePuller = NoImages(),
        ledger: any LedgerStore,
        memory: (any DurableLedger)? = nil,
        leases: AsyncStream<LeaseID>,
        locks: LockService,
        admission: (any Admission)? = nil,
        storedEvents: @escaping @Sendable (UnitName) async -> [EventID],
        clock: any WallClock,
        log: Logger
    ) {
        self.store = store
        self.machine = machine
        assignments = AssignmentReader(store: store, keyspace: keyspace, machine: machine, log: log)
        self.units = units
        self.prober = prober
        self.puller = puller
        self.ledger = ledger
        self.memory = memory.map { AcceptedUnits($0, log: log) }
        self.leases = leases
        self.locks = locks
        self.admission = admission
        self.storedEvents = storedEvents
        self.clock = clock
        self.log = log
        files = FileTexts(store: store, keyspace: keyspace)
        inventory = InventoryKeeper(
            store: store,
            keyspace: keyspace,
            machine: machine,
            units: units,
            clock: clock,
            log: log
        )
        images = ImageKeeper(
            store: store,
            keyspace: keyspace,
            machine: machine,
            puller: puller,
            clock: clock,
            log: log
        )
        core = AgentCore(machine: machine, ledger: [:])
        publications = Publications(machine: machine, keyspace: keyspace)
        (work, addWork) = AsyncStream.makeStream(of: Work.self)
        (news, signalNews) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (informed, signalInformed) = AsyncStream.makeStream(of: Never.self)
    }

    /// What the unit is to do here, as far as known.
    package func assignment(of unit: UnitName) -> Assignment? { core.assignment(of: unit) }

    /// Whether a unit of this machine is given just this.
    package func hasUnit(with credential: Credential) -> Bool { core.hasUnit(with: credential) }

    /// The unit that a service of this name reloads.
    package func unit(reloadedBy name: UnitName) -> UnitName? { core.unit(reloadedBy: name) }

    package func run() async throws {
        core = AgentCore(machine: machine, ledger: readLedger())
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.followAssignments() }
                group.addTask { await self.followSystemd() }
                group.addTask { await self.followLeases() }
                group.addTask { await self.followLocks() }
                group.addTask { await self.publish() }
                group.addTask { await self.memory?.keepAccepted(self.files) }
                group.addTask { await self.keepInventories() }
                for await work in self.work { group.addTask { await self.perform(work) } }
                group.cancelAll()
            }
        }
    }

    private func keepInventories() async {
        await admission?.admitted()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.inventory.run() }
            group.addTask { await self.images.run() }
        }
    }

    /// What the registry has of this machine's keys.
    package func noticed(_ news: OwnKeys.News) {
        publications.noticed(news)
        if publications.isDue { signalNews.yield() }
    }

    // MARK: inputs

    /// One step of the core, and the beginning of all it asks for. Without a suspension, so that directives are
    /// followed in the order of the inputs.
    private func take(_ input: AgentInput) { take([input]) }

    private func take(_ inputs: [AgentInput]) {
        for directive in core.step(inputs, now: clock.now()) {
            switch directive {
            case .perform(let id, let operation): begin(id, operation)
            case .publish(let unit, let status):
                publications.publish(status, of: unit)
                inventory.heard(of: unit)
            case .refuse(let unit, let refusal): publications.publish(refusal, of: unit)
            case .record(let event):
                log.info("\(event.unit): \(event.message)", metadata: ["unit": "\(event.unit)"])
                publications.append(event)
            case .remember(let unit, let entry): remember(entry, of: unit)
            case .readJournal(let unit, let run, let invocation):
                addWork.yield(.journal(unit, run, invocation: invocation))
            case .check(let id, let unit, let check, let invocation):
                begin(CheckQueue.Check(id: id, unit: unit, check: check, invocation: invocation))
            case .pull(let id, let unit, let image): begin(id, image, of: unit)
            case .endPull(let id): pulls.removeValue(forKey: id)?.cancel()
            case .lock(let unit): locks.acquire(unit)
            case .unlock(let unit): locks.release(unit)
            case .wake(let at):
                alarm = at
                addWork.yield(.alarm(at))
            }
        }
        if publications.isDue { signalNews.yield() }
    }

    private func followSystemd() async {
        for await event in units.events {
            switch event {
            case .connected(let observations):
                log.info("Connected to systemd, which has \(observations.count) of our units")
                take(.connected(observations))
                endOldPulls()
            case .disconnected(let reason):
                log.error("The connection to systemd is lost: \(reason)")
                take(.disconnected)
            case .observed(let unit, let observation): take(.observed(unit, observation))
            case .unitFilesChanged: take(.unitFilesChanged)
            case .finished(let id, let results):
                for (unit, result) in results.sorted(by: { $0.key < $1.key }) where result != .done {
                    log.notice("Operation \(id) on \(unit) ended: \(result)", metadata: ["unit": "\(unit)"])
                }
                take(.finished(id, results))
            }
        }
    }

    private func followLeases() async {
        for await lease in leases {
            publications.hang(on: lease)
            if publications.isDue { signalNews.yield() }
        }
    }

    private func followLocks() async {
        for await news in locks.news {
            switch news {
            case .inherited(let units): if !units.isEmpty { take(.locksInherited(units)) }
            case .locked(let unit): take(.locked(unit))
            case .lost(let unit, let holder): take(.lockLost(unit, to: holder))
            }
        }
    }

    private func followAssignments() async {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                await admission?.admitted()
                let revision = try await list()
                backoff.reset()
                for try await batch in assignments.watch(from: revision.next) {
                    if await admission?.isRefused == true { throw StoreError(.unavailable, "this machine is refused") }
                    fold(batch.events)
                }
                try Task.checkCancellation()
                throw StoreError(.unavailable, "the registry ended its watch")
            } catch let error as StoreError where error.code == .compacted {
                continue
            } catch {
                if Task.isCancelled { return }
                await recall()
                take(.registryLost)
                log.error("This machine's assignments cannot be read: \(error); units are left as they are")
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
            }
        }
    }

    /// A machine that comes up without a registry runs what it was told last.
    private func recall() async {
        guard let assignments = await memory?.recall() else { return }
        defer { signalInformed.finish() }
        guard !assignments.isEmpty else { return }
        log.notice("Going on with what the registry said last: \(assignments.count) units")
        keepAnEyeOnVolumes(of: assignments)
        take(.recalled(assignments))
    }

    private func list() async throws -> Revision {
        let listing = try await assignments.list()
        await memory?.heard()
        let (listed, unreadable) = (listing.assignments, listing.unreadable)
        keepAnEyeOnVolumes(of: listed)
        take(.listed(assignments: listed, refusals: listing.refusals, unreadable: unreadable))
        endOldPulls()
        signalInformed.finish()
        accept(await memory?.units.union(listed.keys).subtracting(unreadable) ?? [])
        return listing.revision
    }

    private func fold(_ events: [StoreEvent]) {
        let changes = assignments.changes(of: events)
        for unit in changes.unreadable.sorted() { take(.unreadable(unit)) }
        keepAnEyeOnVolumes(of: changes.assignments)
        if !changes.assignments.isEmpty { take(.assigned(changes.assignments)) }
        accept(Set(changes.assignments.keys))
    }

    /// Before anything is done about the assignments, so that no unit ends unwatched.
    private func keepAnEyeOnVolumes(of assignments: [UnitName: Assignment?]) {
        for (unit, assignment) in assignments {
            units.keepAnEye(on: assignment?.volumes ?? [], of: unit)
            if let assignment { inventory.assigned(assignment, to: unit) }
        }
    }

    /// Has written down what the core makes of the units' assignments.
    private func accept(_ units: Set<UnitName>) {
        memory?.accept(Dictionary(uniqueKeysWithValues: units.map { ($0, core.assignment(of: $0)) }))
    }

    // MARK: ledger

    private func readLedger() -> [UnitName: LedgerEntry] {
        do {
            return decoded(try ledger.values(), "The ledger entry", log)
        } catch {
            log.error("The ledger cannot be read: \(error); units that are not running will be started")
            return [:]
        }
    }

    private func remember(_ entry: LedgerEntry?, of unit: UnitName) {
        do {
            try ledger.keep(entry.map { RegistryValue.encode($0) }, of: unit)
        } catch {
            log.error("The ledger cannot be written: \(error)", metadata: ["unit": "\(unit)"])
        }
    }

    // MARK: work

    private func begin(_ id: OperationID, _ operation: UnitOperation) {
        log.debug("Operation \(id): \(operation)")
        guard inFlight < AgentServiceLimits.operationsInFlight else {
            waiting.append((id, operation))
            return
        }
        inFlight += 1
        addWork.yield(.operation(id, operation))
    }

    private func begin(_ check: CheckQueue.Check) {
        if let next = checks.add(check) { addWork.yield(.check(next)) }
    }

    /// Need not be waited for when fleetd stops: systemd goes on with it, and the next fleetd finds it.
    private func begin(_ id: PullID, _ image: ImagePull, of unit: UnitName) {
        pulls[id] = Task {
            let result = await puller.pull(image) { note in await self.take(.pulling(id, unit, note: note)) }
            pulls[id] = nil
            if case .notRun(let reason) = result, !Task.isCancelled {
                log.notice("\(image.name) was not pulled: \(reason)", metadata: ["unit": "\(unit)"])
            }
            if case .pulled = result { images.changed() }
            answers.append(.pulled(id, unit, result))
            if answers.count == 1 { addWork.yield(.answers) }
        }
    }

    /// Ends the pulls that an earlier fleetd has begun for units that are not wanted here any more; once, when it is
    /// known what is.
    private func endOldPulls() {
        guard !hasEndedOldPulls, let wanted = core.wantedImages else { return }
        hasEndedOldPulls = true
        Task { [puller] in await puller.endPulls(except: wanted) }
    }

    /// Like an operation, it need not be waited for when fleetd stops: systemd ends the command in time.
    private func make(_ check: CheckQueue.Check) async {
        defer { if let next = checks.ended() { addWork.yield(.check(next)) } }
        // While it waited for its turn the unit may have gone, or the connection been lost.
        guard core.awaits(check.id, of: check.unit) else { return }
        let (answers, answer) = AsyncStream.makeStream(of: CheckResult.self)
        Task { [prober] in
            answer.yield(await prober.check(check.unit, check.check, invocation: check.invocation))
            answer.finish()
        }
        for await result in answers {
            if case .notRun(let reason) = result {
                log.notice(
                    "The health check of \(check.unit) was not made: \(reason)",
                    metadata: ["unit": "\(check.unit)"]
                )
            }
            take(.checked(check.id, check.unit, result))
        }
    }

    private func perform(_ work: Work) async {
        switch work {
        case .operation(let id, .install(let installations)): await install(id, installations)
        case .operation(let id, let operation): await carryOut(id, operation, texts: [:])
        case .journal(let unit, let run, let invocation):
            let lines = await units.journal(of: unit, invocation: invocation, lines: Limits.journalLines)
            take(.journal(unit, run, lines: lines))
        case .check(let check): await make(check)
        case .answers:
            let together = answers
            answers = []
            take(together)
        case .alarm(let at):
            do { try await clock.sleep(for: max(at.since(clock.now()), .zero)) } catch { return }
            guard alarm == at else { return }
            alarm = nil
            take(.wake)
        }
        guard case .operation = work else { return }
        inFlight -= 1
        if !waiting.isEmpty {
            let (id, operation) = waiting.removeFirst()
            begin(id, operation)
        }
    }

    /// Fetches the texts and installs what has one; the others have ended here.
    private func install(_ id: OperationID, _ installations: [UnitInstallation]) async {
        var texts: [ContentHash: String] = [:]
        var ready: [UnitInstallation] = []
        var results: [UnitName: OperationResult] = [:]
        for installation in installations {
            // While the registry is away, what is remembered need not be waited for.
            for file in installation.files {
                if let text = await memory?.text(file, of: installation.unit) { texts[file] = text }
            }
        }
        let wanted = installations.reduce(into: Set<ContentHash>()) { $0.formUnion($1.files) }
        let answers = await files.texts(of: wanted.subtracting(texts.keys))
        for case (let file, .text(let text)) in answers { texts[file] = text }
        for installation in installations {
            guard let lacking = installation.files.filter({ texts[$0] == nil }).min() else {
                ready.append(installation)
                continue
            }
            switch answers[lacking] {
            case .missing(let reason)?:
                results[installation.unit] = .failed(OperationFailure(kind: .badUnit, message: reason))
            case .unavailable(let error)?:
                log.error("The unit file of \(installation.unit) cannot be read: \(error)")
                results[installation.unit] = .unknown
            case .text?, nil:
                results[installation.unit] = .unknown
            }
        }
        if !results.isEmpty { take(.finished(id, results)) }
        if !ready.isEmpty { await carryOut(id, .install(ready), texts: texts) }
    }

    /// Waits for the operation's end, or for ours: systemd may take minutes for a job, and stopping fleetd must not.
    /// So the operation has a task of its own, the only one here that may outlive the service; it ends with the
    /// connection to systemd, which is closed next.
    private func carryOut(_ id: OperationID, _ operation: UnitOperation, texts: [ContentHash: String]) async {
        // While it waited for its turn or for a text, the connection may have been lost: the core has forgotten it
        // then, and something else may be under way.
        guard let operation = core.remainder(id, operation) else { return }
        let (end, signalEnd) = AsyncStream.makeStream(of: Never.self)
        Task { [units] in
            await units.perform(id, operation, texts: texts)
            signalEnd.finish()
        }
        for await _ in end {}
    }

    // MARK: publishing

    /// Writes what is due, one transaction after the other: what comes while one is on its way goes into the next.
    private func publish() async {
        var backoff = Backoff()
        for await _ in news {
            while publications.isDue {
                if await publishBatch() {
                    backoff.reset()
                } else {
                    do { try await clock.sleep(for: backoff.delay()) } catch { return }
                }
            }
        }
    }

    /// False when it has to be tried again, later.
    private func publishBatch() async -> Bool {
        var stored: [UnitName: [EventID]] = [:]
        for unit in publications.unitsWithEvents { stored[unit] = await storedEvents(unit) }
        guard let batch = publications.next(stored: stored) else { return true }
        switch await store.commit(batch.transaction) {
        case .committed(let revision):
            publications.committed(batch, at: revision)
            return true
        case .conflict: preconditionFailure("a transaction without compares conflicts with nothing")
        case .refused(let error) where error.code == .leaseNotFound:
            log.notice("The machine's lease has ended; statuses are written again under the next one")
            publications.putBackWithoutLease(batch)
            return true
        case .refused(let error), .unknown(let error):
            log.error("Statuses cannot be written: \(error); trying again")
            publications.putBack(batch)
            return false
        }
    }
}
