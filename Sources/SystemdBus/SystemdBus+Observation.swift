import FleetAgent
import FleetModel
import FleetRuntime
import Logging
import UnitFile

/// Watching our units, level-triggered: a signal only says that a unit has to be looked at. What is told is what
/// systemd answers then, because a `failed` that an automatic restart follows is already past when it is read
/// (systemd.service(5), `Restart=`), and reading is right whatever signals were lost.
extension SystemdBus {
    struct ObservationState {
        /// What was told last.
        var told: [UnitName: Boxed<UnitObservation>] = [:]
        /// Units that changed since they were read.
        var dirty: Set<UnitName> = []
        /// Units being read: at most one reading per unit is in flight.
        var reading: Set<UnitName> = []
        /// Units whose files are being installed or removed: they are read when that is done.
        var settling: Set<UnitName> = []
        /// Numbers the readings, in the order in which they began.
        var readings = 0
        /// The reading that was told last. One that began earlier may end later, and is then of no interest.
        var toldBy: [UnitName: Int] = [:]
        /// Readings in a row that ended with the unit dirty again.
        var restless: [UnitName: Int] = [:]
    }

    func markDirty(_ unit: UnitName) {
        observation.dirty.insert(unit)
        volumes.doubt(unit)
    }

    /// Starts reading what is dirty. Called when all messages that were there have been handled, so that the handful of
    /// signals of one change cost one reading.
    func startReading() {
        guard !observation.dirty.isEmpty, observation.reading.count < BusLimits.unitsPerRead else { return }
        let blocked = observation.reading.union(observation.settling)
        let due = observation.dirty.subtracting(blocked).prefix(BusLimits.unitsPerRead)
        guard !due.isEmpty else { return }
        observation.dirty.subtract(due)
        observation.reading.formUnion(due)
        let units = due.sorted()
        let connection = self.connection
        let reading = nextReading()
        Task {
            do throws(SystemdBusError) {
                let observations = try await observe(units, mayWait: true)
                if self.connection === connection { tellChanges(units, observations, reading) }
            } catch {
                // A lost connection ends every reading, and the next connection lists everything. Any other error is
                // one of this program; say so, and do not read in a circle.
                guard self.connection === connection else { return }
                observation.reading.subtract(units)
                if case .noAnswer = error.code { return disconnect(because: error.message) }
                log.error("systemd: cannot read units: \(error)")
            }
        }
    }

    func nextReading() -> Int {
        observation.readings += 1
        return observation.readings
    }

    private func tellChanges(_ units: [UnitName], _ observations: [UnitName: UnitObservation], _ reading: Int) {
        for unit in units {
            observation.reading.remove(unit)
            guard ours[unit] != nil, reading > observation.toldBy[unit, default: 0] else { continue }
            let isStale = observation.dirty.contains(unit)
            if isStale, observation.restless[unit, default: 0] < BusLimits.readsInARow {
                observation.restless[unit, default: 0] += 1
                continue
            }
            observation.restless[unit] = nil
            guard let seen = observations[unit], observation.told[unit]?.value != seen else { continue }
            tell(unit, seen, reading)
        }
    }

    private func tell(_ unit: UnitName, _ seen: UnitObservation, _ reading: Int) {
        let wasAtRest = observation.told[unit]?.value.isIdle
        observation.told[unit] = Boxed(seen)
        observation.toldBy[unit] = reading
        tell(.observed(unit, seen))
        if wasAtRest != seen.isIdle { markTies(of: ours[unit]) }
    }

    /// Whether others use them may have changed.
    private func markTies(of found: OurUnit?) {
        for service in found?.ties ?? [] where ours[service] != nil { markDirty(service) }
    }

    /// Whether systemd would stop another unit of ours with this one: one that is not at rest, as far as is known.
    private func isInUse(_ unit: UnitName) -> Bool {
        ours.contains { other, found in
            found.ties.contains(unit) && other != unit && observation.told[other]?.value.isIdle != true
        }
    }

    /// Reads units at the end of an operation and tells how they are, even when that is no news: the agent waits for a
    /// state that is newer than the operation. False when the connection was lost.
    ///
    /// A unit at rest that the operation has just `seen` is not read again: systemd has dropped it since, and would
    /// load its file once more to give the same answer. What has changed after that, a signal tells.
    func tellState(of units: [UnitName], _ seen: Seen) async -> Bool {
        let known = units.filter { unit in
            guard ours[unit] != nil, observation.toldBy[unit, default: 0] < seen.reading else { return false }
            return seen.units[unit]?.isLoadedAndInactive == true
        }
        let connection = self.connection
        let held = await volumes.held(by: known)
        guard self.connection === connection else { return false }
        for unit in known {
            guard let row = seen.units[unit], observation.toldBy[unit, default: 0] < seen.reading else { continue }
            var seenUnit = observation(of: unit, row, [:])
            seenUnit.volumes = held.volumes[unit]
            tell(unit, seenUnit, seen.reading)
        }
        clarify(held)
        let rest = Set(units).subtracting(known).sorted()
        guard !rest.isEmpty else { return true }
        let installed = rest.filter { ours[$0] != nil }
        observation.dirty.subtract(installed)
        let reading = nextReading()
        do throws(SystemdBusError) {
            let observations = installed.isEmpty ? [:] : try await observe(installed)
            for unit in rest {
                if ours[unit] == nil {
                    tell(.observed(unit, nil))
                } else if let seen = observations[unit] {
                    tell(unit, seen, reading)
                }
            }
            return true
        } catch {
            if case .noAnswer = error.code { disconnect(because: error.message) }
            log.error("systemd: cannot read units: \(error)")
            return false
        }
    }

    /// All of our units, as they are now.
    func observeAll() async throws(SystemdBusError) -> [UnitName: UnitObservation] {
        let names = ours.keys.sorted()
        var all: [UnitName: UnitObservation] = [:]
        var rest = names[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(BusLimits.unitsPerRead))
            rest = rest.dropFirst(batch.count)
            all.merge(try await observe(batch)) { _, new in new }
        }
        observation.told = all.mapValues(Boxed.init)
        // Those that were read first could not know of the others yet.
        for (unit, seen) in all where seen.isInUse {
            all[unit]?.isInUse = isInUse(unit)
            observation.told[unit] = all[unit].map(Boxed.init)
        }
        return all
    }

    /// Reads units. One listing answers for the states of all of them, each row being of one moment. What only matters
    /// while a unit runs or has failed is asked for after it, property by property: `GetAll` on a service is 300
    /// properties, some of which systemd has to look up in cgroups (0.7 ms instead of 0.1 ms).
    ///
    /// An inactive unit is not asked for more: systemd usually has it out of memory already, so that each question
    /// would load its file again, and what it would answer depends on whether it has.
    ///
    /// A failed unit's volumes decide where it is tried next. If it `mayWait`, it is left out until podman has said
    /// what is in those that look empty.
    func observe(
        _ units: [UnitName],
        mayWait: Bool = false
    ) async throws(SystemdBusError) -> [UnitName: UnitObservation] {
        let listed = try await listUnits(units.filter { !$0.isTemplate })
        var wanted: [PropertyID] = []
        for unit in units {
            guard let row = listed[unit] else { continue }
            wanted += Self.properties(worthAsking: unit, row)
        }
        let values = try await properties(wanted)
        // After the states: what is at rest writes no more.
        let held = await volumes.held(by: units.filter { listed[$0].map(Self.isAtRest) ?? false })
        let verdicts = await verdicts(on: units.filter { listed[$0].map(Self.hasEnded) ?? false }, values)
        var observations: [UnitName: UnitObservation] = [:]
        defer { clarify(held) }
        for unit in units {
            if let row = listed[unit] {
                if mayWait, row.active == "failed", held.unclear[unit] != nil { continue }
                observations[unit] = observation(of: unit, row, values)
                observations[unit]?.volumes = held.volumes[unit]
                observations[unit]?.podmanVerdict = verdicts[unit]
            } else if unit.isTemplate {
                // A template has no state of its own in systemd.
                observations[unit] = UnitObservation(
                    loadState: "loaded",
                    activeState: "inactive",
                    subState: "dead",
                    file: ours[unit]?.file,
                    quadlet: ours[unit]?.stamp?.bundle
                )
            }
        }
        return observations
    }

    /// A run that was no good has ended: the unit has failed, or is about to be started again.
    private static func hasEnded(_ row: ListedUnit) -> Bool {
        row.active == "failed" || (row.active == "activating" && row.sub.hasPrefix("auto-restart"))
    }

    private static func isAtRest(_ row: ListedUnit) -> Bool {
        (row.active == "inactive" || row.active == "failed") && !row.hasJob
    }

    private static func properties(worthAsking unit: UnitName, _ row: ListedUnit) -> [PropertyID] {
        var names: [(String, String)] = []
        if row.load != "loaded" { names.append((SystemdName.unit, "LoadError")) }
        if row.active != "inactive" {
            names += [(SystemdName.unit, "InvocationID"), (SystemdName.unit, "StateChangeTimestamp")]
            let interface = interface(of: unit.type)
            switch unit.type {
            case .service:
                let service = ["Result", "ExecMainCode", "ExecMainStatus", "MainPID", "NRestarts"]
                names += service.map { (interface, $0) }
                if hasEnded(row) { names.append((interface, ContainerCheck.beginProperty)) }
            case .socket, .mount, .automount, .swap, .path, .timer, .scope:
                names.append((interface, "Result"))
            case .device, .target, .slice:
                break
            }
        }
        return names.map { PropertyID(unit: unit, interface: $0.0, name: $0.1) }
    }

    private func observation(
        of unit: UnitName,
        _ row: ListedUnit,
        _ values: [PropertyID: BusValue]
    ) -> UnitObservation {
        let interface = Self.interface(of: unit.type)
        func value(_ name: String) -> BusValue {
            values[PropertyID(unit: unit, interface: interface, name: name)] ?? .other
        }
        func unitValue(_ name: String) -> BusValue {
            values[PropertyID(unit: unit, interface: SystemdName.unit, name: name)] ?? .other
        }
        let own = ours[unit]
        return UnitObservation(
            loadState: row.load,
            activeState: row.active,
            subState: row.sub,
            result: value("Result").text,
            mainCode: Int32(truncatingIfNeeded: value("ExecMainCode").number),
            mainStatus: Int32(truncatingIfNeeded: value("ExecMainStatus").number),
            mainPID: Int32(truncatingIfNeeded: value("MainPID").number),
            restarts: UInt32(truncatingIfNeeded: value("NRestarts").number),
            invocation: unitValue("InvocationID").hexadecimal,
            loadError: unitValue("LoadError").texts.last ?? "",
            file: own?.file,
            quadlet: own?.stamp?.bundle,
            since: Self.time(unitValue("StateChangeTimestamp").number),
            isAllowed: own?.isAtMostOnce == true ? directory.isAllowed(unit) : nil,
            hasJob: row.hasJob,
            // Only what comes from a Quadlet file is beside others.
            isInUse: own?.stamp != nil && isInUse(unit)
        )
    }

    /// A time as systemd has it, in microseconds; 0 for none.
    private static func time(_ microseconds: Int64) -> Timestamp? {
        microseconds > 0 ? Timestamp(milliseconds: microseconds / 1000) : nil
    }

    /// `org.freedesktop.systemd1.Service` and its like.
    static func interface(of type: UnitType) -> String {
        "org.freedesktop.systemd1." + type.rawValue.prefix(1).uppercased() + type.rawValue.dropFirst()
    }

    /// systemd has a unit out of memory. That says nothing about its state (a unit at rest is collected at once, and
    /// reading it loads it again, so reading on this signal would never end), but its file may have gone by hand.
    func unitRemoved(_ signal: BusReader) throws(SystemdBusError) {
        let name = try signal.string()
        guard let unit = unitsByPath[SystemdName.path(of: name)], !busy.contains(unit) else { return }
        guard !directory.isOurs(unit) else { return }
        forget(unit)
    }

    /// Looks at the folder again: someone linked, enabled, masked or removed something.
    func unitFilesChanged() {
        guard isListed else { return }
        let before = ours
        readDirectory()
        for unit in before.keys.sorted() where ours[unit] == nil {
            // An operation in flight has the last word about its unit.
            if busy.contains(unit), let found = before[unit] { remember(unit, found) } else { forget(unit) }
        }
        for unit in ours.keys { markDirty(unit) }
        tell(.unitFilesChanged)
    }

    func readDirectory() {
        ours = [:]
        unitsByPath = [:]
        for (unit, found) in directory.list() { remember(unit, found) }
    }

    func remember(_ unit: UnitName, _ found: OurUnit) {
        ours[unit] = found
        unitsByPath[SystemdName.path(of: unit.description)] = unit
    }

    func forget(_ unit: UnitName) {
        let known = ours.removeValue(forKey: unit)
        unitsByPath[SystemdName.path(of: unit.description)] = nil
        observation.dirty.remove(unit)
        observation.restless[unit] = nil
        // Readings that are under way are about a unit that is gone.
        observation.toldBy[unit] = observation.readings
        if observation.told.removeValue(forKey: unit) != nil, isListed { tell(.observed(unit, nil)) }
        markTies(of: known)
    }
}

extension UnitObservation {
    /// Nothing of it runs, and nothing is about to.
    fileprivate var isIdle: Bool { (activeState == "inactive" || activeState == "failed") && !hasJob }
}
