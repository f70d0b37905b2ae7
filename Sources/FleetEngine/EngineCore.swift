package import FleetModel
import FleetPlanner
package import FleetRegistry
import UnitFile

/// The engine's state machine: who leads, what has to be looked at again, and which transactions are under way.
///
/// Every engine keeps its index warm; only the leader plans. One planning cycle is in flight at most: the transactions
/// of a plan all end before the next plan is made, and that one is made from a snapshot which holds what was committed.
/// So no plan ever rests on a placement that is still on its way, and constraints between units need no compares.
///
/// The snapshot comes with every step and is not kept: whoever folds it goes on doing so in place.
package struct EngineCore: Sendable {
    private var index = PlanningIndex()
    /// The snapshot that `index` is of. One that comes with another input may be newer already; its changes follow.
    private var indexed = Revision.zero
    private var state = State.unread
    private let machine: MachineID
    /// Whether this engine's own machine was present when the index was made.
    private var isPresent = false
    /// Nothing is decided before; `EngineLimits.registrationRound`.
    private var holdUntil: Timestamp?
    /// Until then this engine knows too little of the registry's last seconds to call a machine lost.
    private var freshUntil: Timestamp?
    /// This machine booted a moment ago; `EngineInput.settled`.
    private var isSettling: Bool
    /// When this machine booted; nil: everybody who was present at first may be of before.
    private let booted: Timestamp?
    /// While settling: a lease that ends may be one of before the boot, and say nothing of its machine. Timed by
    /// whoever has a clock that is not set: the wall clock often is, a moment after a boot.
    private var mayLeasesBeOld = false
    /// Since when the machines were present that were so when the registry was first read: their leases may be of
    /// before the boot.
    private var former: [MachineID: Timestamp] = [:]
    /// While settling: machines that have registered since then. One of them that is lost is lost for itself.
    private var arrived: Set<MachineID> = []
    /// While settling: machines with units that have not been present since.
    private var awaited: Set<MachineID> = []
    private var writer: TransactionWriter
    /// The wake that was asked for last and has not come.
    private var armed: Timestamp?

    private enum State {
        /// The registry was not read yet. Then: `following`.
        case unread
        /// Someone else leads, or nobody does and this engine will try. `refusedAt`: the snapshot with which it tried
        /// in vain; only a newer one is a reason to try again. Then: `campaigning`, `stopped`.
        case following(refusedAt: Revision?)
        /// Waits until it may try again. Then: `following`, `stopped`.
        case pausing(until: Timestamp)
        /// The answer is on its way. Then: `leading`, `following`, `pausing`, `stopped`.
        case campaigning
        /// Then: `following`, `stopped`.
        case leading(LeadingState)
        /// Nothing comes after this.
        case stopped
    }

    /// `machine` is this engine's own, the writer of its events. `isSettling`: it booted less than
    /// `EngineLimits.bootRound` ago, and `EngineInput.settled` follows. `booted`: when, as far as known; who has
    /// registered since then has not lost its power with this machine.
    package init(keyspace: Keyspace, machine: MachineID, isSettling: Bool = false, booted: Timestamp? = nil) {
        self.machine = machine
        self.isSettling = isSettling
        self.booted = booted
        writer = TransactionWriter(keyspace: keyspace, machine: machine)
    }

    /// The epoch, while this engine leads.
    package var epoch: Epoch? {
        if case .leading(let leading) = state { leading.epoch } else { nil }
    }

    /// The only way in. `snapshot` is the newest one, `now` the wall clock's time.
    package mutating func step(_ input: EngineInput, snapshot: Snapshot, now: Timestamp) -> [EngineDirective] {
        var directives: [EngineDirective] = []
        switch input {
        case .changed(let changes):
            if case .unread = state, changes.all {
                freshUntil = now.advanced(by: EngineLimits.registrationRound)
                if isSettling {
                    mayLeasesBeOld = true
                    directives.append(.timeOldLeases)
                    let present = snapshot.machines.compactMapValues { $0.presence?.since }
                    former = present.filter { since in booted.map { since.value < $0 } ?? true }
                }
            }
            fold(changes, snapshot)
            notePresence(snapshot, now)
        case .campaigned(let result): directives += campaigned(result, snapshot, now)
        case .leadershipLost(let lost): directives += loseLeadership(of: lost)
        case .finished(let id, let result): directives += finished(id, result, now)
        case .caughtUp(let revision, let epoch, let fence):
            if case .leading(var leading) = state, leading.epoch == epoch {
                leading.caughtUp(to: revision, fence: fence, now: now)
                state = .leading(leading)
            }
        case .foundSilent(let machines):
            if case .leading(var leading) = state {
                leading.foundSilent(machines)
                state = .leading(leading)
            }
        case .registrySilent(let left):
            let until = now.advanced(by: left)
            if !isHeld(now) || holdUntil.map({ $0 < until }) ?? true { holdUntil = until }
        case .oldLeasesOver: mayLeasesBeOld = false
        case .settled: settle()
        case .wake: armed = nil
        case .stop: return stop()
        }
        directives += advance(snapshot, now)
        directives += arm(snapshot, now)
        return directives
    }

    private mutating func fold(_ changes: Changes, _ snapshot: Snapshot) {
        var dirty = Dirty.all
        indexed = snapshot.revision
        if changes.all {
            index = PlanningIndex(snapshot)
        } else {
            dirty = index.update(
                units: changes.units,
                machines: changes.machines,
                volumes: changes.volumes,
                from: snapshot
            )
        }
        switch state {
        case .unread: if changes.all { state = .following(refusedAt: nil) }
        case .leading(var leading):
            leading.dirty.merge(dirty)
            state = .leading(leading)
        case .following, .pausing, .campaigning, .stopped: break
        }
    }

    private mutating func notePresence(_ snapshot: Snapshot, _ now: Timestamp) {
        let wasPresent = isPresent
        isPresent = snapshot.machines[machine]?.presence != nil
        if wasPresent, !isPresent { holdUntil = now.advanced(by: EngineLimits.registrationRound) }
        if isSettling {
            for (machine, known) in snapshot.machines {
                if let since = known.presence?.since, since != former[machine] { arrived.insert(machine) }
            }
        }
        if mayLeasesBeOld { awaited.formUnion(Set(Self.lost(in: snapshot)).subtracting(arrived)) }
        if !awaited.isEmpty { awaited = awaited.filter { snapshot.machines[$0]?.presence == nil } }
    }

    private mutating func settle() {
        (isSettling, mayLeasesBeOld) = (false, false)
        (former, arrived) = ([:], [])
        guard !awaited.isEmpty else { return }
        awaited = []
        if case .leading(var leading) = state {
            leading.looksAtBrake()
            state = .leading(leading)
        }
    }

    private func isHeld(_ now: Timestamp) -> Bool { Self.isBefore(holdUntil, now) }

    /// Until when nothing is decided. An engine that has just begun to read may have missed that the registry was
    /// silent, which says the more the fewer machines are there; while all are there, it has nothing to wait for.
    private func heldUntil(_ snapshot: Snapshot, _ now: Timestamp) -> Timestamp? {
        if isHeld(now) { return holdUntil }
        guard Self.isBefore(freshUntil, now), !Self.lost(in: snapshot).isEmpty else { return nil }
        return freshUntil
    }

    private static func isBefore(_ end: Timestamp?, _ now: Timestamp) -> Bool {
        guard let end else { return false }
        return !EngineLimits.isOver(end, now, longest: EngineLimits.registrationRound)
    }

    /// Machines that have units and are not present.
    private static func lost(in snapshot: Snapshot) -> [MachineID] {
        snapshot.unitsByMachine.filter { !$0.value.isEmpty && snapshot.machines[$0.key]?.presence == nil }.map(\.key)
    }

    /// Does what the state allows: take part in the election, or plan.
    private mutating func advance(_ snapshot: Snapshot, _ now: Timestamp) -> [EngineDirective] {
        switch state {
        case .unread, .campaigning, .stopped: return []
        case .pausing(let until):
            guard EngineLimits.isOver(until, now, longest: EngineLimits.campaignWait) else { return [] }
            state = .following(refusedAt: nil)
            return advance(snapshot, now)
        case .following(let refusedAt):
            guard snapshot.leadership == nil, refusedAt != snapshot.revision else { return [] }
            state = .campaigning
            return [.campaign]
        case .leading(var leading):
            if snapshot.revision >= leading.epoch, snapshot.leadership?.epoch != leading.epoch {
                return loseLeadership(of: leading.epoch) + advance(snapshot, now)
            }
            guard snapshot.revision == indexed, heldUntil(snapshot, now) == nil else { return [] }
            let directives = leading.plan(snapshot, index, now, awaited: awaited, &writer)
            state = .leading(leading)
            return directives
        }
    }

    private mutating func campaigned(
        _ result: CampaignResult,
        _ snapshot: Snapshot,
        _ now: Timestamp
    ) -> [EngineDirective] {
        guard case .campaigning = state else {
            // Stopped meanwhile: what was won is given back at once.
            if case .won = result { return [.resign] }
            return []
        }
        switch result {
        case .won(let epoch):
            state = .leading(LeadingState(epoch: epoch))
            return [.note(.leads(epoch))]
        case .held: state = .following(refusedAt: snapshot.revision)
        case .failed: state = .pausing(until: now.advanced(by: EngineLimits.campaignWait))
        }
        return []
    }

    /// What is under way may still be committed, while the leadership key still has this epoch in the registry; the
    /// results are not waited for.
    private mutating func loseLeadership(of epoch: Epoch) -> [EngineDirective] {
        guard case .leading(let leading) = state, leading.epoch == epoch else { return [] }
        state = .following(refusedAt: nil)
        return [.note(.leadsNoMore(leading.epoch))]
    }

    private mutating func finished(
        _ id: TransactionID,
        _ result: CommitResult,
        _ now: Timestamp
    ) -> [EngineDirective] {
        guard case .leading(var leading) = state else { return [] }
        let directives = leading.finished(id, result, now: now)
        state = .leading(leading)
        return directives
    }

    private mutating func stop() -> [EngineDirective] {
        let epoch = epoch
        state = .stopped
        guard let epoch else { return [] }
        return [.resign, .note(.leadsNoMore(epoch))]
    }

    /// Asks for one wake at the earliest time that matters, if that is not what was asked for last.
    private mutating func arm(_ snapshot: Snapshot, _ now: Timestamp) -> [EngineDirective] {
        let wanted: Timestamp?
        let revision = snapshot.revision
        switch state {
        case .pausing(let until): wanted = until
        case .leading(let leading):
            let held = heldUntil(snapshot, now)
            wanted = held ?? (revision == indexed ? leading.wakeAt(snapshot: revision) : nil)
        case .unread, .following, .campaigning, .stopped: wanted = nil
        }
        guard let wanted, wanted != armed else { return [] }
        armed = wanted
        return [.wake(at: wanted)]
    }
}
