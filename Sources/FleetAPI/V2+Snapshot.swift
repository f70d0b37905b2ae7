package import FleetModel
package import UnitFile

/// What `/fleet/v2` shows of a snapshot.
extension MachineSummary {
    package init(_ id: MachineID, in snapshot: Snapshot) {
        let machine = snapshot.machines[id]
        let primaryIP = machine?.presence?.primaryIP ?? machine?.known?.primaryIP ?? ""
        self.init(id: id, hostname: machine?.hostname ?? "", primaryIP: primaryIP)
    }
}

extension MachineListing {
    /// Every machine that is present, known, labelled, ordered about, or has units: a lost one is listed until it is
    /// back, or somebody forgets it.
    package init(of snapshot: Snapshot, now: Timestamp) {
        let ids = Set(snapshot.machines.keys).union(snapshot.unitsByMachine.keys)
        let faults = snapshot.faultyMachines(now: now)
        self.init(
            machines: ids.sorted().map { Row($0, in: snapshot, faults: faults[$0]) },
            brakedSince: BrakeReport(of: snapshot).since
        )
    }
}

extension MachineListing.Row {
    fileprivate init(_ id: MachineID, in snapshot: Snapshot, faults: Int?) {
        let machine = snapshot.machines[id]
        self.init(
            machine: MachineSummary(id, in: snapshot),
            metadata: machine?.metadata ?? [:],
            state: snapshot.state(of: id),
            stateSince: snapshot.stateSince(of: id),
            orders: machine?.orders ?? MachineOrders(),
            version: machine?.presence?.version ?? "",
            systemdVersion: machine?.presence?.systemdVersion ?? "",
            podman: machine?.presence?.podman,
            units: snapshot.unitsByMachine[id]?.count ?? 0,
            since: machine?.presence?.since,
            faults: faults
        )
    }
}

extension UnitListing {
    /// Every unit by name.
    package init(of snapshot: Snapshot, explainer: any PlacementExplainer) {
        let units = snapshot.units.values.sorted { $0.name < $1.name }
        self.init(units: units.map { Row($0, in: snapshot, explainer: explainer) })
    }
}

extension UnitListing.Row {
    package init(_ unit: Unit, in snapshot: Snapshot, explainer: any PlacementExplainer) {
        let statuses = (snapshot.statuses[unit.name] ?? [:]).sorted { $0.key < $1.key }
        let assigned = (snapshot.assignments[unit.name] ?? [:]).keys.sorted()
        // Held by a lost machine is as good as nowhere, and the planner knows for what it waits: the brake, say.
        let isNowhere =
            unit.target.state != .inactive && assigned.allSatisfy { snapshot.machines[$0]?.presence == nil }
        self.init(
            name: unit.name,
            source: unit.intent.source,
            image: unit.intent.image,
            file: unit.intent.file,
            description: unit.description,
            target: unit.target.state,
            current: unit.options.isGlobal ? nil : snapshot.currentState(of: unit.name, on: assigned.first),
            isGlobal: unit.options.isGlobal,
            assigned: assigned.map { MachineSummary($0, in: snapshot) },
            states: statuses.map { .init(machine: MachineSummary($0.key, in: snapshot), status: $0.value) },
            blocked: isNowhere ? explainer.blocked(unit.name, in: snapshot) : nil,
            reschedule: Self.reschedule(unit.name, in: snapshot)
        )
    }

    /// One sentence per record whose verdict still stands, those of machines by their ids.
    private static func reschedule(_ unit: UnitName, in snapshot: Snapshot) -> String? {
        let pending = snapshot.pendingFailures(of: unit).map { scope, record in
            switch scope {
            case .fleet: ("", record)
            case .machine(let id): ("on \(id.short): ", record)
            }
        }
        let sentences = pending.sorted { $0.0 < $1.0 }.map { place, record in
            switch record.verdict {
            case .retry(let at):
                "\(place)to be tried again at \(at), after \(record.count) failure\(record.count == 1 ? "" : "s")"
            case .givenUp(let reason): "\(place)given up: \(reason)"
            }
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: "; ")
    }
}

extension UnitDetail {
    /// nil when the unit is not stored.
    package init?(
        of name: UnitName,
        text: String,
        events: [UnitEvent],
        in snapshot: Snapshot,
        explainer: any PlacementExplainer
    ) {
        guard let unit = snapshot.units[name] else { return nil }
        self.init(
            row: UnitListing.Row(unit, in: snapshot, explainer: explainer),
            text: text,
            submitted: unit.intent.submitted,
            targetSet: unit.target.set,
            events: events,
            notEligible: explainer.notEligible(name, in: snapshot)
        )
    }
}
