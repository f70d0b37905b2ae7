package import FleetModel
package import UnitFile

/// Follows what became of a change until every unit has arrived where the change wants it or has failed on the way.
package struct ChangeFollower: SnapshotFollower {
    /// Where a unit is wanted.
    package enum Goal: Hashable, Sendable {
        /// On every machine that should have it: started, and up or done.
        case started
        /// On every machine that should have it: known to systemd, and not running.
        case loaded
        /// Running nowhere; it need not be on any machine.
        case stopped
        /// On no machine.
        case unloaded
        /// On no machine, and not stored.
        case destroyed
        /// On this machine and no other, as far as its target state asks.
        case moved(to: MachineID)

        /// The target states under which the goal can still be reached.
        fileprivate func allows(_ state: TargetState) -> Bool {
            switch self {
            case .started: state == .launched
            case .loaded: state == .loaded
            case .stopped: state != .launched
            case .unloaded, .destroyed: state == .inactive
            case .moved: state != .inactive
            }
        }
    }

    /// Units that have neither arrived nor failed.
    package private(set) var pending: [UnitName: Wait]
    private let explainer: any PlacementExplainer

    package struct Wait: Hashable, Sendable {
        package var goal: Goal
        /// The unit's generation that carries the change: older reports are about what was before it.
        package var generation: Generation
        /// The reason last told for going no further.
        fileprivate var told: String?

        package init(goal: Goal, generation: Generation) {
            self.goal = goal
            self.generation = generation
        }
    }

    package init(_ waits: [UnitName: Wait], explainer: any PlacementExplainer) {
        pending = waits
        self.explainer = explainer
    }

    package var isDone: Bool { pending.isEmpty }

    /// What is new in `snapshot`, in the order of the units' names: `arrived` or `failed` once per unit, `waiting` when
    /// the reason for it changes.
    package mutating func advance(to snapshot: Snapshot) -> [ChangeProgress] {
        var news: [ChangeProgress] = []
        for (name, wait) in pending.sorted(by: { $0.key < $1.key }) {
            switch UnitFollowing(unit: name, wait: wait, snapshot: snapshot, explainer: explainer).verdict() {
            case .ended(let progress):
                pending[name] = nil
                news.append(progress)
            case .waiting(let reason):
                guard reason != wait.told else { continue }
                pending[name]?.told = reason
                guard let reason else { continue }
                let state = snapshot.units[name]?.target.state
                news.append(ChangeProgress(kind: .waiting, unit: name, state: state, message: reason))
            }
        }
        return news
    }
}

/// One unit's way at one snapshot.
private struct UnitFollowing {
    enum Verdict {
        case ended(ChangeProgress)
        /// With the reason, if something stands in the way.
        case waiting(String?)
    }

    let unit: UnitName
    let wait: ChangeFollower.Wait
    let snapshot: Snapshot
    let explainer: any PlacementExplainer

    func verdict() -> Verdict {
        switch wait.goal {
        case .unloaded, .destroyed: leaving()
        case .started, .loaded, .stopped: staying()
        case .moved(let machine): moving(to: machine)
        }
    }

    // MARK: Leaving every machine

    private func leaving() -> Verdict {
        if let stored = snapshot.units[unit] {
            // After a destroy: somebody has submitted it again, which is not this request's to wait for.
            if wait.goal == .destroyed { return arrived(.inactive) }
            if let overtaken = overtaken(stored) { return overtaken }
        } else if wait.goal == .unloaded {
            return gone()
        }
        let machines = holders
        guard let machine = machines.min() else { return arrived(.inactive) }
        guard snapshot.machines[machine]?.presence == nil else { return .waiting(nil) }
        return .waiting("machine \(machine.short) is lost: it is asked to let go of \(unit) when it comes back")
    }

    /// Machines that should have or do have the unit.
    private var holders: Set<MachineID> {
        Set((snapshot.assignments[unit] ?? [:]).keys).union((snapshot.statuses[unit] ?? [:]).keys)
    }

    // MARK: Moving

    /// The wish is stored until it is fulfilled or given up.
    private func moving(to machine: MachineID) -> Verdict {
        guard let stored = snapshot.units[unit] else { return gone() }
        if let overtaken = overtaken(stored) { return overtaken }
        let places = (snapshot.assignments[unit] ?? [:]).keys.sorted()
        if snapshot.moves[unit]?.to == machine {
            guard snapshot.leadership != nil else { return .waiting("no machine leads the fleet yet") }
            let reasons = places.compactMap { explainer.staying(unit, on: $0, in: snapshot) }
            return .waiting(reasons.first ?? explainer.blocked(unit, in: snapshot))
        }
        guard places == [machine] else {
            let failed = (snapshot.failures[unit] ?? [:]).values.flatMap(\.recent).last { $0.machine == machine }
            let reason = failed.map { "it failed there: \($0.failure.message)" }
            let message = reason ?? explainer.notEligible(unit, in: snapshot)[machine] ?? "see 'fleetctl why \(unit)'"
            return .ended(
                ChangeProgress(
                    kind: .failed,
                    unit: unit,
                    state: stored.target.state,
                    machine: places.first.map { MachineSummary($0, in: snapshot) },
                    failure: failed?.failure,
                    message: "not moved to \(machine.short): \(message)"
                )
            )
        }
        let status = snapshot.statuses[unit]?[machine]
        if let status, let failure = status.failure { return self.failed(failure, on: machine) }
        guard let status, status.settled else { return .waiting(delay(on: machine)) }
        return arrived(stored.target.state, on: machine)
    }

    // MARK: Being where it should be

    private func staying() -> Verdict {
        guard let stored = snapshot.units[unit] else { return gone() }
        if let overtaken = overtaken(stored) { return overtaken }
        if wait.goal != .stopped, let failure = newestFailure() { return failure }
        let assignments = (snapshot.assignments[unit] ?? [:]).sorted { $0.key < $1.key }
        if assignments.isEmpty {
            if wait.goal == .stopped, holders.isEmpty { return arrived(stored.target.state) }
            return .waiting(blocked())
        }
        if wait.goal != .stopped, stored.options.isGlobal, isMissingSomewhere(assignments.map(\.key)) {
            return .waiting(nil)
        }
        for (machine, assignment) in assignments {
            guard assignment.generation >= wait.generation, let status = snapshot.statuses[unit]?[machine],
                status.run == assignment.run, isThere(status)
            else { return .waiting(delay(on: machine)) }
        }
        guard assignments.count == 1, let machine = assignments.first?.key else {
            return arrived(stored.target.state, message: "on \(assignments.count) machines")
        }
        return arrived(stored.target.state, on: machine)
    }

    private func isThere(_ status: UnitStatus) -> Bool {
        guard status.settled, status.failure == nil || wait.goal == .stopped else { return false }
        return switch wait.goal {
        // `inactive` is a oneshot that has done its work: had it failed, there would be a failure.
        case .started: ["active", "reloading", "refreshing", "inactive"].contains(status.active)
        case .loaded, .stopped: ["inactive", "failed"].contains(status.active)
        case .unloaded, .destroyed, .moved: false
        }
    }

    /// The first failure of a run of this change: on its machine, or already answered by the reschedule policy.
    private func newestFailure() -> Verdict? {
        for (machine, status) in (snapshot.statuses[unit] ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let failure = status.failure, let run = status.run, run.generation >= wait.generation else {
                continue
            }
            return failed(failure, on: machine)
        }
        let failures = (snapshot.failures[unit] ?? [:]).values.flatMap(\.recent)
        let first = failures.filter { $0.run.generation >= wait.generation }
            .min { ($0.failure.at, $0.machine) < ($1.failure.at, $1.machine) }
        return first.map { failed($0.failure, on: $0.machine) }
    }

    /// True while the engine has not yet assigned a global unit to a machine that may have it.
    private func isMissingSomewhere(_ assigned: [MachineID]) -> Bool {
        let excluded = explainer.notEligible(unit, in: snapshot)
        return snapshot.presentMachines.contains { !assigned.contains($0.id) && excluded[$0.id] == nil }
    }

    private func blocked() -> String? {
        guard snapshot.leadership != nil else { return "no machine leads the fleet yet, so nothing is placed" }
        return explainer.blocked(unit, in: snapshot)
    }

    /// What keeps the unit from being there, as far as it is known.
    private func delay(on machine: MachineID) -> String? {
        guard snapshot.machines[machine]?.presence != nil else { return "machine \(machine.short) is lost" }
        guard wait.goal != .stopped, let pull = snapshot.statuses[unit]?[machine]?.pull else { return nil }
        // How far podman is would be a line every few seconds; `status` has it.
        return pull.hasFailed ? "\(pull.note); it is tried again" : "its image \(pull.image) is being pulled"
    }

    // MARK: Endings

    /// Somebody has asked for something else since.
    private func overtaken(_ stored: Unit) -> Verdict? {
        guard stored.generation > wait.generation, !wait.goal.allows(stored.target.state) else { return nil }
        let target = stored.target
        return .ended(
            ChangeProgress(
                kind: .failed,
                unit: unit,
                state: target.state,
                message: "overtaken: target state \(target.state.rawValue) was set by \(target.set.by) meanwhile"
            )
        )
    }

    private func gone() -> Verdict {
        .ended(ChangeProgress(kind: .failed, unit: unit, message: "overtaken: \(unit) was destroyed meanwhile"))
    }

    private func arrived(_ state: TargetState, on machine: MachineID? = nil, message: String? = nil) -> Verdict {
        let status = machine.flatMap { snapshot.statuses[unit]?[$0] }
        return .ended(
            ChangeProgress(
                kind: .arrived,
                unit: unit,
                state: state,
                machine: machine.map { MachineSummary($0, in: snapshot) },
                active: status?.active,
                sub: status?.sub,
                message: message
            )
        )
    }

    /// Waits for the journal's last lines, which come a moment behind the failure, for as long as the machine is there
    /// to tell them.
    private func failed(_ failure: UnitFailure, on machine: MachineID) -> Verdict {
        let status = snapshot.statuses[unit]?[machine]
        if let status, status.failure != nil, !status.settled { return .waiting(nil) }
        return .ended(
            ChangeProgress(
                kind: .failed,
                unit: unit,
                state: snapshot.units[unit]?.target.state,
                machine: MachineSummary(machine, in: snapshot),
                active: status?.active,
                sub: status?.sub,
                failure: failure,
                message: failure.message
            )
        )
    }
}
