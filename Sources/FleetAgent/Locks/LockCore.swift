package import FleetModel
package import FleetRegistry
package import UnitFile

/// Sees to it that an `AtMostOnce=` unit may run here only while this machine has its lock, and that systemd stops it
/// in time when that can no longer be known (`FenceTiming`).
///
/// The order is what makes it safe, whatever is frozen or killed between two steps:
///
///     put the lock on the lease → arm the fence → allow the unit → start it
///
/// The fence's time is absolute and follows from when a renewal was sent. It is armed anew only while the lock of every
/// unit that is allowed is known to hang on the lease that was renewed. When the fence comes down, what was allowed is
/// forbidden first, at one stroke and by systemd: a start that was on its way comes too late (`Fence`).
///
/// One unit's steps follow from its state, never from the input that led here: the same facts lead on after any loss.
package struct LockCore: Hashable, Sendable {
    /// Of the lease that was granted or renewed last.
    struct Lease: Hashable, Sendable {
        var id: LeaseID
        var sent: Duration
    }

    package let machine: MachineID
    /// nil: leases end with this process alone, no other machine can have the locks, and nothing needs a fence.
    package let timing: FenceTiming?
    var units: [UnitName: LockTrack] = [:]
    var lease: Lease?
    /// What hangs on any other lease is not this machine's, even if it names it.
    private var leases = OwnLeases()
    /// When the fence comes down, as far as known.
    private var armed: Duration?
    private var isArming = false
    /// The newest deadline that the fence would not take.
    private var refused = Duration.zero
    private var isWatching = false
    private var alarm: Duration?

    package init(machine: MachineID, timing: FenceTiming?) {
        self.machine = machine
        self.timing = timing
    }

    /// The units whose locks other machines have, or have not given back.
    package var waiting: [UnitName] {
        units.filter { entry in
            switch entry.value.stage {
            case .elsewhere, .vacant: true
            case .unknown, .looking, .free, .putting, .locked, .deleting, .paused: false
            }
        }.keys.sorted()
    }

    /// The units that are waited for in vain, by the keys that are there of `Keyspace.locks`: what another machine has
    /// or has left of them is gone.
    package func free(amid keys: Set<Key>, _ keyspace: Keyspace) -> [UnitName] {
        waiting.filter { unit in
            let isLocked = keys.contains(RegistryKey.lock(unit).key(in: keyspace))
            guard case .vacant? = units[unit]?.stage else { return !isLocked }
            return !isLocked && !keys.contains(RegistryKey.lockHolder(unit).key(in: keyspace))
        }
    }

    /// The units that systemd may run.
    package var allowed: [UnitName] { units.filter(\.value.isAllowed).keys.sorted() }

    /// Every unit that something is known or wanted of.
    package var known: [UnitName] { units.keys.sorted() }

    /// How long a failed exchange with the registry is waited for before the next.
    static let retry = Duration.milliseconds(500)

    /// What `input` leads to, at `now` of the clock that counts suspends.
    package mutating func step(_ input: LockInput, now: Duration) -> [LockDirective] {
        var directives: [LockDirective] = []
        take(input, now, &directives)
        for unit in units.keys.sorted() { settle(unit, now, &directives) }
        arm(now, &directives)
        watch(&directives)
        wakeUp(now, &directives)
        return directives
    }

    private mutating func take(_ input: LockInput, _ now: Duration, _ directives: inout [LockDirective]) {
        switch input {
        case .inherited(let allowed, let leases):
            self.leases = leases
            for unit in allowed { units[unit] = LockTrack(stage: .unknown, isAllowed: true) }
        case .acquire(let unit):
            update(unit) { track in
                track.isWanted = true
                track.isHeld = false
                track.isSuspect = false
            }
        case .release(let unit):
            guard units[unit] != nil else { return }
            update(unit) { track in
                if track.isAllowed || track.isAllowing { directives.append(.forbid(unit)) }
                track = LockTrack(stage: track.stage)
            }
        case .lease(let id, let sent):
            if lease?.id != id { leases.add(id) }
            lease = Lease(id: id, sent: sent)
        case .finished(let unit, let commit): finish(unit, commit, now)
        case .found(let unit, let lock, let holder): found(unit, lock, holder, now, &directives)
        case .notFound(let unit): update(unit) { $0.stage = .paused(until: now + Self.retry) }
        // A put that was given up may be carried out when nobody thinks of the unit any more.
        case .noticed(let unit): if units[unit] == nil { units[unit] = LockTrack(stage: .unknown) }
        case .freed(let unit):
            switch units[unit]?.stage {
            case .elsewhere, .vacant: units[unit]?.stage = .unknown
            default: return
            }
        case .armed(let answer, let deadline):
            isArming = false
            switch answer {
            case .done: armed = deadline
            case .fired: fired(&directives)
            // What was armed before comes in time; the next renewal tries again.
            case .failed: refused = deadline
            }
        case .allowed(let unit, let answer): allowed(unit, answer, now, &directives)
        case .wake: alarm = nil
        }
    }

    /// Of a unit that nothing is known of, the lock is free until the registry says otherwise: most are.
    private mutating func update(_ unit: UnitName, _ change: (inout LockTrack) -> Void) {
        change(&units[unit, default: LockTrack(stage: .free(holder: nil))])
    }

    // MARK: Answers

    private mutating func finish(_ unit: UnitName, _ commit: LockCommit, _ now: Duration) {
        guard let track = units[unit] else { return }
        switch (track.stage, commit) {
        case (.putting(let lease), .committed(let revision)):
            units[unit]?.stage = .locked(lease, revision, holder: revision)
        case (.deleting, .committed): units[unit]?.stage = .free(holder: nil)
        case (.putting, .conflict), (.deleting, .conflict): units[unit]?.stage = .unknown
        case (.putting, .failed), (.deleting, .failed): units[unit]?.stage = .paused(until: now + Self.retry)
        case (.unknown, _), (.free, _), (.vacant, _), (.looking, _), (.elsewhere, _), (.locked, _), (.paused, _): return
        }
    }

    private mutating func found(
        _ unit: UnitName,
        _ lock: StoredLock?,
        _ holder: StoredHolder?,
        _ now: Duration,
        _ directives: inout [LockDirective]
    ) {
        guard case .looking? = units[unit]?.stage else { return }
        guard let lock else {
            guard let holder, let timing, !isOwn(holder.machine, holder.lease) else {
                units[unit]?.stage = .free(holder: holder?.modified)
                return
            }
            // It went with the other machine's lease; see `UnitLockHolder`. What was seen before goes on counting.
            let delay = max(timing.lockDelay, holder.delay)
            let fresh = LockTrack.Vacancy(holder: holder.modified, until: now + delay)
            let known = units[unit]?.vacancy
            let vacancy = known?.holder == fresh.holder ? known ?? fresh : fresh
            units[unit]?.vacancy = vacancy
            units[unit]?.stage = .vacant(until: vacancy.until, holder: vacancy.holder)
            return
        }
        guard !isOwn(lock.machine, lock.lease) else {
            units[unit]?.stage = .locked(lock.lease, lock.modified, holder: holder?.modified)
            return
        }
        // Its lease had ended, so systemd has stopped the unit; until the agent has seen that, nothing is armed anew.
        if units[unit]?.isAllowed == true { directives.append(.forbid(unit)) }
        if units[unit]?.isWanted == true { directives.append(.lose(unit, to: lock.machine)) }
        update(unit) { track in
            track.isSuspect = track.isSuspect || track.isAllowed
            (track.isAllowed, track.isHeld) = (false, false)
            track.stage = .elsewhere(lock.machine)
        }
    }

    /// A machine that was copied has the id of another one; see `OwnLeases`. Without a time to live there is but one.
    private func isOwn(_ machine: MachineID, _ lease: LeaseID?) -> Bool {
        guard machine == self.machine else { return false }
        return timing == nil || lease.map(leases.contains) ?? false
    }

    private mutating func allowed(
        _ unit: UnitName,
        _ answer: FenceAnswer,
        _ now: Duration,
        _ directives: inout [LockDirective]
    ) {
        guard units[unit]?.isAllowing == true else { return }
        units[unit]?.isAllowing = false
        switch answer {
        case .done:
            units[unit]?.isAllowed = true
            units[unit]?.isHeld = true
            directives.append(.hold(unit))
        case .fired: fired(&directives)
        case .failed: units[unit]?.allowAgain = now + Self.retry
        }
    }

    /// The fence has come down: systemd has stopped, or is stopping, all that was allowed.
    private mutating func fired(_ directives: inout [LockDirective]) {
        armed = nil
        for unit in units.keys.sorted() {
            guard var track = units[unit], track.isAllowed || track.isAllowing else { continue }
            if track.isWanted { directives.append(.lose(unit, to: nil)) }
            (track.isAllowed, track.isAllowing, track.isHeld, track.isSuspect) = (false, false, false, true)
            units[unit] = track
        }
    }

    // MARK: What is next

    private mutating func settle(_ unit: UnitName, _ now: Duration, _ directives: inout [LockDirective]) {
        guard var track = units[unit] else { return }
        switch track.stage {
        case .paused(let until) where until <= now: track.stage = .unknown
        case .vacant(let until, let holder) where until <= now: track.stage = .free(holder: holder)
        default: break
        }
        // A time that has come is no reason to wake up again, whatever keeps the unit from being allowed now.
        if let again = track.allowAgain, again <= now { track.allowAgain = nil }
        let isNeeded = track.isWanted || track.isAllowed
        switch track.stage {
        case .looking, .putting, .deleting, .paused: break
        case .unknown:
            track.stage = .looking
            directives.append(.look(unit))
        case .free(let holder):
            if !isNeeded, let holder, track.vacancy?.holder != holder {
                // This machine's own, left from a lease that has ended.
                track.stage = .deleting
                directives.append(.delete(unit, ifLock: nil, ifHolder: holder))
            } else if !isNeeded {
                units[unit] = nil
                return
            } else if let lease {
                put(unit, &track, lease, nil, holder, &directives)
            }
        case .elsewhere, .vacant:
            if !isNeeded {
                units[unit] = nil
                return
            }
        case .locked(let on, let revision, let holder):
            if !isNeeded {
                track.stage = .deleting
                directives.append(.delete(unit, ifLock: revision, ifHolder: holder))
            } else if let lease, lease.id != on {
                put(unit, &track, lease, revision, holder, &directives)
            } else if lease != nil {
                allow(unit, &track, now, &directives)
            }
        }
        units[unit] = track
    }

    private func put(
        _ unit: UnitName,
        _ track: inout LockTrack,
        _ lease: Lease,
        _ revision: Revision?,
        _ holder: Revision?,
        _ directives: inout [LockDirective]
    ) {
        track.stage = .putting(lease.id)
        directives.append(.put(unit, lease: lease.id, ifLock: revision, ifHolder: holder))
    }

    /// The lock is ours, on the present lease.
    private func allow(
        _ unit: UnitName,
        _ track: inout LockTrack,
        _ now: Duration,
        _ directives: inout [LockDirective]
    ) {
        guard track.isWanted, !track.isHeld, !track.isAllowing, !track.isSuspect, isCertain(now) else { return }
        guard track.allowAgain == nil else { return }
        track.isAllowing = true
        directives.append(.allow(unit))
    }

    /// The fence is armed, and does not come down at once.
    private func isCertain(_ now: Duration) -> Bool {
        guard let timing else { return true }
        guard let armed, !isArming else { return false }
        return armed >= now + timing.leastLeft
    }

    /// Arms the fence with what the newest renewal gives, if every unit that may run has its lock on that lease.
    private mutating func arm(_ now: Duration, _ directives: inout [LockDirective]) {
        guard let timing, let lease, !isArming else { return }
        let concerned = units.values.filter { $0.isAllowed || $0.isAllowing || $0.isSuspect || $0.isWanted }
        guard !concerned.isEmpty else {
            if armed != nil { directives.append(.disarm) }
            armed = nil
            return
        }
        let mayRun = concerned.filter { $0.isAllowed || $0.isAllowing || $0.isSuspect }
        guard mayRun.allSatisfy({ !$0.isSuspect && $0.isLocked(on: lease.id) }),
            concerned.contains(where: { $0.isLocked(on: lease.id) })
        else { return }
        let deadline = timing.deadline(of: lease.sent)
        guard deadline > max(armed ?? .zero, refused), deadline >= now + timing.leastLeft else { return }
        isArming = true
        directives.append(.arm(deadline: deadline))
    }

    private mutating func watch(_ directives: inout [LockDirective]) {
        let isWanted = !waiting.isEmpty
        guard isWanted != isWatching else { return }
        isWatching = isWanted
        directives.append(.watch(isWanted))
    }

    private mutating func wakeUp(_ now: Duration, _ directives: inout [LockDirective]) {
        let times = units.values.compactMap { track -> Duration? in
            switch track.stage {
            case .paused(let until), .vacant(let until, _): until
            default: track.allowAgain
            }
        }
        guard let earliest = times.min(), alarm.map({ earliest < $0 }) ?? true else { return }
        alarm = earliest
        directives.append(.wake(at: earliest))
    }
}

/// How far one unit's lock is.
struct LockTrack: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// Who has it has to be found out.
        case unknown
        case looking
        /// Nobody has it. `holder`: the revision of what its last holder, this machine or one that was waited for, has
        /// left.
        case free(holder: Revision?)
        /// Another machine had it until its lease ended.
        case vacant(until: Duration, holder: Revision)
        case putting(LeaseID)
        /// It is this machine's, on this lease (nil: on none, which nobody writes).
        case locked(LeaseID?, Revision, holder: Revision?)
        case elsewhere(MachineID)
        case deleting
        /// The registry did not answer.
        case paused(until: Duration)
    }

    var stage: Stage
    /// The agent wants it.
    var isWanted = false
    /// systemd may run it.
    var isAllowed = false
    /// It is being allowed.
    var isAllowing = false
    /// The agent was told that it may run, and has not asked again.
    var isHeld = false
    /// It was allowed once and is not any more; the agent has not said yet that it has seen its end.
    var isSuspect = false
    /// Allowing it failed; not to be tried before.
    var allowAgain: Duration?
    /// What another machine has left without giving the lock back, and how long that counts.
    var vacancy: Vacancy?

    struct Vacancy: Hashable, Sendable {
        var holder: Revision
        var until: Duration
    }

    init(stage: Stage, isAllowed: Bool = false) {
        self.stage = stage
        self.isAllowed = isAllowed
    }

    func isLocked(on lease: LeaseID) -> Bool {
        if case .locked(let on, _, _) = stage { on == lease } else { false }
    }
}
