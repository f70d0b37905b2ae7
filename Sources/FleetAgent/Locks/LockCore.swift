package import FleetModel
import FleetRegistry
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
    let timing: FenceTiming?
    var units: [UnitName: LockTrack] = [:]
    var lease: Lease?
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

    /// The units whose locks other machines have.
    package var waiting: [UnitName] {
        units.filter { if case .elsewhere = $0.value.stage { true } else { false } }.keys.sorted()
    }

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
        case .inherited(let allowed):
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
        case .lease(let id, let sent): lease = Lease(id: id, sent: sent)
        case .finished(let unit, let commit): finish(unit, commit, now)
        case .found(let unit, let lock): found(unit, lock, &directives)
        case .notFound(let unit): update(unit) { $0.stage = .paused(until: now + Self.retry) }
        case .freed(let unit): if case .elsewhere? = units[unit]?.stage { units[unit]?.stage = .unknown }
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
        change(&units[unit, default: LockTrack(stage: .free)])
    }

    // MARK: Answers

    private mutating func finish(_ unit: UnitName, _ commit: LockCommit, _ now: Duration) {
        guard let track = units[unit] else { return }
        switch (track.stage, commit) {
        case (.putting(let lease), .committed(let revision)): units[unit]?.stage = .locked(lease, revision)
        case (.deleting, .committed): units[unit]?.stage = .free
        case (.putting, .conflict), (.deleting, .conflict): units[unit]?.stage = .unknown
        case (.putting, .failed), (.deleting, .failed): units[unit]?.stage = .paused(until: now + Self.retry)
        case (.unknown, _), (.free, _), (.looking, _), (.elsewhere, _), (.locked, _), (.paused, _): return
        }
    }

    private mutating func found(_ unit: UnitName, _ lock: StoredLock?, _ directives: inout [LockDirective]) {
        guard case .looking? = units[unit]?.stage else { return }
        guard let lock else {
            units[unit]?.stage = .free
            return
        }
        guard lock.machine != machine else {
            units[unit]?.stage = .locked(lock.lease, lock.modified)
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
        if case .paused(let until) = track.stage, until <= now { track.stage = .unknown }
        let isNeeded = track.isWanted || track.isAllowed
        switch track.stage {
        case .looking, .putting, .deleting, .paused: break
        case .unknown:
            track.stage = .looking
            directives.append(.look(unit))
        case .free:
            if !isNeeded {
                units[unit] = nil
                return
            }
            if let lease { put(unit, &track, lease, nil, &directives) }
        case .elsewhere:
            if !isNeeded {
                units[unit] = nil
                return
            }
        case .locked(let on, let revision):
            if !isNeeded {
                track.stage = .deleting
                directives.append(.delete(unit, ifModified: revision))
            } else if let lease, lease.id != on {
                put(unit, &track, lease, revision, &directives)
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
        _ directives: inout [LockDirective]
    ) {
        track.stage = .putting(lease.id)
        directives.append(.put(unit, lease: lease.id, ifModified: revision))
    }

    /// The lock is ours, on the present lease.
    private func allow(
        _ unit: UnitName,
        _ track: inout LockTrack,
        _ now: Duration,
        _ directives: inout [LockDirective]
    ) {
        guard track.isWanted, !track.isHeld, !track.isAllowing, !track.isSuspect, isCertain(now) else { return }
        if let again = track.allowAgain, again > now { return }
        track.allowAgain = nil
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
            if case .paused(let until) = track.stage { return until }
            return track.allowAgain
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
        /// Nobody has it.
        case free
        case putting(LeaseID)
        /// It is this machine's, on this lease (nil: on none, which nobody writes).
        case locked(LeaseID?, Revision)
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

    init(stage: Stage, isAllowed: Bool = false) {
        self.stage = stage
        self.isAllowed = isAllowed
    }

    func isLocked(on lease: LeaseID) -> Bool {
        if case .locked(let on, _) = stage { on == lease } else { false }
    }
}
