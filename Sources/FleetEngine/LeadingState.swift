import FleetModel
import FleetPlanner
import FleetRegistry
import UnitFile

/// What a leader knows that followers need not: what is dirty, and how far the present planning cycle is.
struct LeadingState {
    /// Where the planning cycle is.
    private enum Cycle {
        /// Nothing is under way; the next plan may be made from a snapshot that has reached `floor`.
        case ready
        /// The transactions of one plan, by what has to be looked at again if they come to nothing.
        case committing([TransactionID: DirtyParts])
        /// Machines were lost, and the registry is asked which others are about to be.
        case sounding
        /// A transaction met something newer than the snapshot, or its outcome is unknown: the registry is asked how
        /// far it is, and the feed has to come that far. Nothing is written meanwhile.
        case catchingUp
        /// The registry refuses to write, or cycles are fruitless.
        case waiting(until: Timestamp)
    }

    let epoch: Epoch
    /// When the leadership key was written last, which every transaction compares. It grows when the outcome of one is
    /// unknown: then the key is written anew, and what the registry gets late of the time before comes to nothing.
    private var fence: Revision
    /// A new leader looks at everything once.
    var dirty = Dirty.all
    private var cycle = Cycle.ready
    /// A plan needs a snapshot of at least this revision: it holds the leadership itself, and what was committed.
    private var floor: Revision
    /// When the plan has something to try again.
    private var retryAt: Timestamp?
    /// When the brake may have to end.
    private var brakeAt: Timestamp?
    private var isBrakeDue = false
    /// Since the brake is on it was said that more machines are lost than are left.
    private var hasSaidMany = false
    /// When was planned last: by a clock that shows less now, what waits is looked at again.
    private var plannedAt: Timestamp?
    /// Who was silent, for the next look at the brake; nil: nobody was asked.
    private var silent: Set<MachineID>?
    /// Units whose transaction did not get through together with others: each has one of its own next time.
    private var singles: Set<UnitName> = []
    private var isConflicted = false
    private var isUncertain = false
    private var isRefused = false
    /// Cycles in a row of which nothing was committed.
    private var fruitless = 0
    private var hasCommitted = false
    /// Blocked units of which an event says so.
    private var reported: [UnitName: BlockedReason.Kind] = [:]
    private var isFirstPlan = true
    /// Machines that were said to be faulty.
    private var faulty: Set<MachineID> = []

    init(epoch: Epoch) {
        self.epoch = epoch
        (fence, floor) = (epoch, epoch)
    }

    /// When this leader wants to be woken. While the snapshot is behind what was committed, its coming is what wakes:
    /// a time that has passed would come again and again.
    func wakeAt(snapshot revision: Revision) -> Timestamp? {
        switch cycle {
        case .ready: revision >= floor ? [retryAt, brakeAt].compactMap(\.self).min() : nil
        case .waiting(let until): until
        case .committing, .sounding, .catchingUp: nil
        }
    }

    /// Something that the brake depends on has changed, and it is not in the snapshot.
    mutating func looksAtBrake() { isBrakeDue = true }

    /// The answer to `EngineDirective.findSilent`.
    mutating func foundSilent(_ machines: Set<MachineID>) {
        guard case .sounding = cycle else { return }
        silent = machines
        cycle = .ready
    }

    /// Makes a plan if it is time, and its transactions.
    mutating func plan(
        _ snapshot: Snapshot,
        _ index: PlanningIndex,
        _ now: Timestamp,
        awaited: Set<MachineID>,
        _ writer: inout TransactionWriter
    ) -> [EngineDirective] {
        if case .waiting(let until) = cycle, EngineLimits.isOver(until, now, longest: EngineLimits.longestWait) {
            cycle = .ready
        }
        guard case .ready = cycle, snapshot.revision >= floor else { return [] }
        let isClockBack = plannedAt.map { now < $0 } ?? false
        guard
            !dirty.isNothing || isBrakeDue || isClockBack || retryAt.map({ $0 <= now }) ?? false
                || isOver(brakeAt, now)
        else { return [] }
        let context = TransactionWriter.Context(snapshot: snapshot, fence: fence, now: now, singles: singles)
        if let directives = writeBrake(context, awaited, &writer) { return directives }
        let plan = Planner.plan(snapshot, index: index, dirty: dirty, now: now, epoch: epoch)
        dirty = .nothing
        plannedAt = now
        retryAt = plan.wakeAt
        let (decisions, notes) = audited(plan, snapshot, now)
        let news = blockedNews(plan)
        let drafts = writer.drafts(
            decisions,
            blocked: news,
            context: context
        )
        (isConflicted, isUncertain, isRefused, hasCommitted) = (false, false, false, false)
        let parts = drafts.map { ($0.id, Self.stakes(of: $0.units, decisions)) }
        cycle = drafts.isEmpty ? .ready : .committing(Dictionary(uniqueKeysWithValues: parts))
        let decided = decisions.isEmpty ? [] : [EngineDirective.note(.decided(decisions))]
        return notes + faultyNews(snapshot, now) + decided + drafts.map { .commit($0.id, $0.transaction) }
    }

    /// What is lost is written down before anything is planned: whether units of lost machines move depends on it, and
    /// on nothing that a leader merely remembers. nil when it is written down already.
    private mutating func writeBrake(
        _ context: TransactionWriter.Context,
        _ awaited: Set<MachineID>,
        _ writer: inout TransactionWriter
    ) -> [EngineDirective]? {
        let old = context.snapshot.brake ?? BrakeRecord()
        let sight = Brake.Sight(silent: silent ?? [], awaited: awaited)
        let new = Brake.next(context.snapshot, sight, now: context.now)
        guard new != old else {
            (isBrakeDue, silent) = (false, nil)
            brakeAt = Brake.end(old, now: context.now)
            return nil
        }
        if new.since == nil, silent == nil, let machines = witnesses(of: new, after: old, context.snapshot, writer) {
            cycle = .sounding
            return [.findSilent(machines)]
        }
        silent = nil
        let draft = writer.draft(new, context: context)
        (isConflicted, isUncertain, isRefused, hasCommitted) = (false, false, false, false)
        cycle = .committing([draft.id: DirtyParts()])
        var directives: [EngineDirective] = []
        if new.since != nil {
            let held = new.unreleased.filter { new.holds($0) }
            let isMany = Brake.next(context.snapshot, Brake.Sight(silent: sight.silent), now: context.now).since != nil
            // The first of many may have been one that was merely waited for.
            if isMany, !hasSaidMany { directives.append(.note(.braked(held))) }
            if !isMany, old.since == nil { directives.append(.note(.awaits(held))) }
            hasSaidMany = hasSaidMany || isMany
        } else {
            if old.since != nil { directives.append(.note(.brakeEnded)) }
            hasSaidMany = false
        }
        return directives + [.commit(draft.id, draft.transaction)]
    }

    /// Who has to be asked before a loss is taken for that of one machine: all that are present, but for this one. nil
    /// when nobody was lost just now.
    private func witnesses(
        of new: BrakeRecord,
        after old: BrakeRecord,
        _ snapshot: Snapshot,
        _ writer: TransactionWriter
    ) -> [MachineID]? {
        guard new.lost.keys.contains(where: { old.lost[$0] == nil }) else { return nil }
        let others = snapshot.presentMachines.map(\.id).filter { $0 != writer.machine }
        return others.isEmpty ? nil : others
    }

    private func isOver(_ time: Timestamp?, _ now: Timestamp) -> Bool {
        time.map { EngineLimits.isOver($0, now, longest: Brake.calm) } ?? false
    }

    /// A plan that breaks a rule is a programmer's error, so tests trap. A leader in service leaves out the units
    /// concerned and goes on for the others.
    private func audited(_ plan: Plan, _ snapshot: Snapshot, _ now: Timestamp) -> ([Decision], [EngineDirective]) {
        let findings = PlanAudit.check(plan, snapshot, now: now)
        assert(findings.isEmpty, "\(findings) in\n\(plan)")
        guard !findings.isEmpty else { return (plan.decisions, []) }
        let units = Set(findings.compactMap(\.unit))
        return (plan.decisions.filter { !units.contains($0.unit) }, [.note(.auditFailed(findings))])
    }

    /// Units that have come to be blocked for want of a machine, or for another kind of reason than before. What a new
    /// leader finds blocked was somebody's news before.
    private mutating func blockedNews(_ plan: Plan) -> [UnitName: BlockedReason] {
        var news: [UnitName: BlockedReason] = [:]
        for unit in plan.considered {
            let reason = plan.blocked[unit]
            let kind = reason?.kind
            if reported[unit] == kind { continue }
            reported[unit] = kind
            if let reason, reason.isForWantOfMachine, !isFirstPlan { news[unit] = reason }
        }
        isFirstPlan = false
        return news
    }

    private mutating func faultyNews(_ snapshot: Snapshot, _ now: Timestamp) -> [EngineDirective] {
        let counts = snapshot.faultyMachines(now: now)
        let news = counts.filter { !faulty.contains($0.key) }.sorted { $0.key < $1.key }
        faulty = Set(counts.keys)
        return news.map { .note(.faulty($0.key, units: $0.value)) }
    }

    /// Others are planned as if the decisions on these units were done: they are kept off a machine by a unit that then
    /// does not come, say.
    private static func stakes(of units: Set<UnitName>, _ decisions: [Decision]) -> DirtyParts {
        var parts = DirtyParts(units: units)
        for decision in decisions where units.contains(decision.unit) { parts.machines.formUnion(decision.machines) }
        parts.replacements = !parts.machines.isEmpty
        return parts
    }

    mutating func finished(_ id: TransactionID, _ result: CommitResult, now: Timestamp) -> [EngineDirective] {
        guard case .committing(var open) = cycle, let parts = open.removeValue(forKey: id) else { return [] }
        let units = parts.units
        var directives: [EngineDirective] = []
        func again(_ why: String) {
            dirty.merge(.some(parts))
            singles.formUnion(units)
            directives.append(.note(.notCommitted(units.sorted(), why)))
        }
        switch result {
        case .committed(let revision):
            floor = max(floor, revision)
            singles.subtract(units)
            hasCommitted = true
        case .conflict:
            again("something has changed meanwhile")
            isConflicted = true
        case .unknown(let why):
            again(why)
            isUncertain = true
        case .refused(let why):
            again(why)
            isRefused = true
        }
        cycle = .committing(open)
        guard open.isEmpty else { return directives }
        fruitless = hasCommitted ? 0 : fruitless + 1
        if isConflicted || isUncertain {
            cycle = .catchingUp
            directives.append(.catchUp(epoch, isUncertain: isUncertain))
        } else if isRefused {
            // A refusal is never over at once, so it waits the first time already.
            cycle = .waiting(until: now.advanced(by: EngineLimits.wait(afterFruitless: max(fruitless, 1) + 1)))
        } else {
            cycle = .ready
        }
        return directives
    }

    /// The registry was at `revision` after the transactions had ended, and the leadership key as of `newest`.
    mutating func caughtUp(to revision: Revision, fence newest: Revision?, now: Timestamp) {
        guard case .catchingUp = cycle else { return }
        floor = max(floor, revision)
        fence = newest ?? fence
        let wait = EngineLimits.wait(afterFruitless: fruitless)
        cycle =
            wait > .zero || isRefused ? .waiting(until: now.advanced(by: max(wait, EngineLimits.firstWait))) : .ready
    }
}
