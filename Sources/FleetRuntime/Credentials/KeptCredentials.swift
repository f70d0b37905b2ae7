import FleetAgent
import FleetModel
import FleetRegistry
import Logging
import UnitFile

/// What the units of this machine were given last, sealed as the registry has it, on this machine's disk: systemd
/// starts a unit again while the registry is away (promise P1).
actor KeptCredentials {
    private struct Entry: Codable {
        struct Item: Codable {
            var id: CredentialID
            var stored: CredentialContents.Stored
        }

        var items: [Item]
    }

    private let ledger: any DurableLedger
    private let contents: CredentialContents
    private let box: any SecretBox
    private let machine: MachineID
    private let clock: any WallClock
    private let log: Logger
    private var kept: [UnitName: [CredentialID: CredentialContents.Stored]]?

    init(
        _ ledger: any DurableLedger,
        contents: CredentialContents,
        box: any SecretBox,
        machine: MachineID,
        clock: any WallClock,
        log: Logger
    ) {
        self.ledger = ledger
        self.contents = contents
        self.box = box
        self.machine = machine
        self.clock = clock
        self.log = log
    }

    /// What is kept for the unit, perhaps of an earlier content.
    func stored(_ id: CredentialID, of unit: UnitName) async -> CredentialContents.Stored? {
        let kept = await all()
        if PullUnitName.isOne(unit) { return kept.values.lazy.compactMap { $0[id] }.first }
        return kept[unit]?[id]
    }

    /// Follows what the units of this machine are to be given, until the task is cancelled.
    func follow(_ registry: RegistryService) async {
        let (id, signals) = await registry.subscribe()
        for await _ in signals {
            let (changes, snapshot) = await registry.take(id)
            guard changes.all || !changes.units.isEmpty, await registry.condition == .current else { continue }
            let units =
                changes.all ? Set(await all().keys).union(snapshot.unitsByMachine[machine] ?? []) : changes.units
            var backoff = Backoff()
            var isKept = await keep(units, snapshot)
            // While the registry is away there is nothing to wait for: when it is back, all is looked at again.
            while !isKept, await registry.condition == .current {
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
                isKept = await keep(units, await registry.snapshot)
            }
        }
    }

    /// False when it is to be tried again.
    private func keep(_ units: Set<UnitName>, _ snapshot: Snapshot) async -> Bool {
        var values: [UnitName: [UInt8]?] = [:]
        var changed: [UnitName: [CredentialID: CredentialContents.Stored]?] = [:]
        var isComplete = true
        let keys = (try? box.keys()) ?? []
        func opens(_ record: CredentialRecord?) -> Bool { record?.key.map(keys.contains) ?? true }
        for unit in units.sorted() {
            let wanted = Set((snapshot.assignments[unit]?[machine]?.credentials ?? []).map(\.source))
            let old = await all()[unit] ?? [:]
            guard !wanted.isEmpty || !old.isEmpty else { continue }
            let isNewest =
                wanted.count == old.count
                && wanted.allSatisfy { old[$0].map(\.record) == snapshot.credentials[$0] }
            guard !isNewest else { continue }
            var new: [CredentialID: CredentialContents.Stored] = [:]
            for id in wanted {
                // What cannot be read or opened now is better old than not there.
                do throws(StoreError) {
                    let newest = try await contents.newest(id, known: old[id])
                    let isUseless = !opens(newest?.record) && old[id] != nil && opens(old[id]?.record)
                    new[id] = isUseless ? old[id] : newest ?? old[id]
                } catch {
                    new[id] = old[id]
                    isComplete = false
                }
            }
            guard new != old else { continue }
            changed[unit] = .some(new.isEmpty ? nil : new)
            let items = new.sorted { $0.key < $1.key }.map { Entry.Item(id: $0.key, stored: $0.value) }
            values[unit] = items.isEmpty ? .some(nil) : RegistryValue.encode(Entry(items: items))
        }
        guard !values.isEmpty else { return isComplete }
        do {
            try await ledger.keep(values)
        } catch {
            log.error("What this machine's units are given cannot be kept for an outage of the registry: \(error)")
            return false
        }
        // Not before: what is only in memory counts as not kept, and is tried again.
        for (unit, new) in changed { kept?[unit] = new }
        return isComplete
    }

    private func all() async -> [UnitName: [CredentialID: CredentialContents.Stored]] {
        if let kept { return kept }
        let read: [UnitName: Entry]
        do {
            read = decoded(try await ledger.values(), "What was kept", log)
        } catch {
            log.error("What was kept for this machine's units cannot be read: \(error)")
            return [:]
        }
        if kept == nil {
            kept = read.mapValues { entry in
                Dictionary(entry.items.map { ($0.id, $0.stored) }) { $1 }
            }
        }
        return kept ?? [:]
    }
}
