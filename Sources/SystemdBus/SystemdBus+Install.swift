import CSystemd
import FleetAgent
import FleetModel
import Glibc
import Logging
import UnitFile

extension SystemdBus {
    /// Installs unit files in phases, each for the whole batch: look whether the names are free, write all files, have
    /// systemd load them (it refreshes its cache of unit paths once), reload at most once, enable.
    func install(
        _ installations: [UnitInstallation],
        _ texts: [ContentHash: String]
    ) async -> InstallBatch {
        var batch = InstallBatch(began: Self.realtimeMicroseconds)
        let made = await makeServices(installations, texts)
        for installation in installations {
            if installation.atMostOnce, !directory.timing.isLongEnough {
                let shortest = FenceTiming.shortestLease.components.seconds
                batch.refuse(installation.unit, "AtMostOnce= needs agent_ttl=\(shortest)s or more on this machine")
                continue
            }
            switch made[installation.unit] {
            case .success(let services)?: batch.add(installation, services, known: ours[installation.unit])
            case .failure(let failure)?: batch.refuse(installation.unit, failure.message)
            case nil:
                if installation.quadlet == nil, let text = texts[installation.file] {
                    batch.add(installation, text, known: ours[installation.unit])
                } else {
                    batch.refuse(installation.unit, "the text of \(installation.unit) is not at hand")
                }
            }
        }
        do {
            try await refuseTakenNames(&batch)
            try await stopOutdatedCompanions(&batch)
            try await writeFiles(&batch)
            // systemd reads everything again once, whatever asks for it.
            let isOutdated = try await load(&batch)
            if !isOutdated { try await refuseUnloaded(&batch) }
            if try await enable(&batch) || isOutdated {
                try await reload()
                try await list(&batch)
                try await refuseUnloaded(&batch)
            }
        } catch {
            for unit in batch.open { batch.results[unit] = outcome(of: error) }
        }
        for unit in batch.open { batch.results[unit] = .done }
        return batch
    }

    static var realtimeMicroseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    /// Nothing is written for a unit whose name the machine has from elsewhere.
    private func refuseTakenNames(_ batch: inout InstallBatch) async throws(SystemdBusError) {
        for (unit, path) in try await takenNames(batch.open) { batch.results[unit] = .nameTaken(path: path) }
        for unit in batch.open {
            if let message = takenCompanion(of: batch.drafts[unit]) { batch.refuse(unit, message) }
            if let (alias, path) = takenAlias(of: unit, batch.drafts[unit]?.install.aliases ?? []) {
                batch.refuse(unit, "Alias=\(alias) would replace a unit of the machine, \(path)")
            }
        }
    }

    /// The names that the machine has from elsewhere, and where from.
    func takenNames(_ units: [UnitName]) async throws(SystemdBusError) -> [UnitName: String] {
        var taken: [UnitName: String] = [:]
        for unit in units {
            if let path = directory.foreignPath(of: unit, in: facts.unitPath) { taken[unit] = path }
        }
        // A unit can also exist without a file: a mount, a device, a transient unit.
        let rest = units.filter {
            taken[$0] == nil && ours[$0] == nil && !$0.isTemplate && !directory.isCompanion($0)
        }
        let loaded = try await loadedUnits(rest).sorted()
        let names = ["LoadState", "ActiveState", "FragmentPath"]
        let values = try await properties(
            loaded.flatMap { unit in names.map { PropertyID(unit: unit, interface: SystemdName.unit, name: $0) } }
        )
        for unit in loaded {
            func value(_ name: String) -> String {
                values[PropertyID(unit: unit, interface: SystemdName.unit, name: name)]?.text ?? ""
            }
            let fragment = value("FragmentPath")
            let isForeignFile = !fragment.isEmpty && fragment != directory.linkPath(unit)
            let isAlive = !["inactive", "failed"].contains(value("ActiveState"))
            if isForeignFile || isAlive || value("LoadState") == "masked" {
                taken[unit] = fragment.isEmpty ? "a running unit without a file" : fragment
            }
        }
        return taken
    }

    private func takenAlias(of unit: UnitName, _ aliases: [String]) -> (String, String)? {
        for alias in aliases {
            // With specifiers the name is systemd's to expand; it never replaces a file of ours or of the machine's.
            guard let name = try? UnitName(alias), name != unit else { continue }
            if let path = directory.foreignPath(of: name, in: facts.unitPath, owner: unit) { return (alias, path) }
            if ours[name] != nil { return (alias, directory.linkPath(name)) }
        }
        return nil
    }

    private func writeFiles(_ batch: inout InstallBatch) async throws(SystemdBusError) {
        // What the old text had enabled is not what the new one enables.
        let enabled = batch.open.filter { unit in
            guard batch.drafts[unit]?.isChanged == true else { return false }
            return directory.text(of: unit).map { InstallSection(of: $0).isPresent } == true
        }
        if !enabled.isEmpty {
            do {
                try await disableUnitFiles(enabled)
            } catch {
                guard case .refused = error.code else { throw error }
                log.info("systemd: disabling before a change failed: \(error)")
            }
        }
        // No suspension from here to the end: a listing of the folder sees all of the batch or nothing.
        for unit in batch.open {
            guard let draft = batch.drafts[unit] else { continue }
            do {
                // An unchanged file keeps its time stamp, so that systemd does not think it needs a reload.
                for (companion, text) in draft.companions.sorted(by: { $0.key < $1.key }) {
                    try directory.installCompanion(companion, text)
                }
                try directory.guardUnit(unit, draft.isAtMostOnce ? draft.text : nil)
                try directory.setCredentials(unit, draft.credentials)
                if draft.isChanged || !directory.isOurs(unit) { try directory.install(unit, draft.text) }
                let ties = directory.ties(of: draft.text, draft.stamp)
                remember(unit, OurUnit(draft, ties: ties))
            } catch {
                batch.results[unit] = outcome(of: error)
            }
        }
    }

    /// True when systemd has another text of one of the units in memory, so that a reload is due before it can be said
    /// whether it accepts the new one.
    private func load(_ batch: inout InstallBatch) async throws(SystemdBusError) -> Bool {
        try await list(&batch)
        let outdated = try await loadedUnits(batch.outdatedCompanions.sorted()).sorted()
        // A name that was new cannot be outdated; asking would only make systemd read the file a second time.
        let known = batch.loaded.filter { batch.drafts[$0]?.isNew == false } + outdated
        let ids = known.map { PropertyID(unit: $0, interface: SystemdName.unit, name: "NeedDaemonReload") }
        return try await properties(ids).values.contains(.flag(true))
    }

    /// Has systemd load what no start will load, and notes what it says.
    private func list(_ batch: inout InstallBatch) async throws(SystemdBusError) {
        batch.listing = nextReading()
        let unread = batch.open.filter { batch.drafts[$0]?.isReadByStart == true }
        batch.listed = try await listUnits(batch.loaded)
        for unit in unread { batch.listed[unit] = ListedUnit(unread: unit) }
    }

    private func refuseUnloaded(_ batch: inout InstallBatch) async throws(SystemdBusError) {
        for unit in batch.loaded where batch.listed[unit]?.load != "loaded" {
            let load = batch.listed[unit]?.load ?? "not-found"
            let message = try await explainBadUnit(unit, load, since: batch.began)
            fail(unit, message, &batch)
        }
    }

    /// Takes a file that systemd does not accept away again, unless it replaced one: what runs under an older text
    /// would lose its file with it.
    private func fail(_ unit: UnitName, _ message: String, _ batch: inout InstallBatch) {
        batch.results[unit] = .failed(OperationFailure(kind: .badUnit, message: message))
        guard batch.drafts[unit]?.isNew == true else { return }
        removeFiles(of: unit)
    }

    /// systemd's own words: the load error, and what PID 1 wrote about the file's lines.
    func explainBadUnit(
        _ unit: UnitName,
        _ load: String,
        since: UInt64
    ) async throws(SystemdBusError) -> String {
        let id = PropertyID(unit: unit, interface: SystemdName.unit, name: "LoadError")
        let words = try await properties([id])[id]?.texts.last ?? ""
        let lines = await journalSource.complaints(about: unit, file: directory.linkPath(unit), since: since)
        let all = ([words] + lines).filter { !$0.isEmpty }.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
        return "systemd does not accept the file (\(load))" + (all.isEmpty ? "" : ": " + all.joined(separator: "; "))
    }

    /// True when systemd has to read its files again to know of the links.
    private func enable(_ batch: inout InstallBatch) async throws(SystemdBusError) -> Bool {
        // A template is enabled through its instances.
        let units = batch.open.filter { !$0.isTemplate && batch.drafts[$0]?.install.isPresent == true }
        guard !units.isEmpty else { return false }
        var owners: Set<UnitName> = []
        do {
            owners = try await enableUnitFiles(units)
        } catch {
            guard case .refused = error.code else { throw error }
            // One of them is wrong; find out which.
            for unit in units {
                do {
                    owners.formUnion(try await enableUnitFiles([unit]))
                } catch {
                    guard case .refused = error.code else { throw error }
                    fail(unit, "systemd cannot enable the unit: \(error)", &batch)
                }
            }
        }
        // systemd sees a new `.wants` link of a unit it has loaded only after a reload. That matters when the unit
        // may yet be started and is to pull ours in; one that is active already (multi-user.target, as a rule) would
        // not start ours even after a reload, so it is not worth one.
        var ids: [PropertyID] = []
        for owner in try await loadedUnits(owners.sorted()) {
            ids.append(PropertyID(unit: owner, interface: SystemdName.unit, name: "ActiveState"))
        }
        return try await properties(ids).values.contains { $0.text != "active" }
    }
}
