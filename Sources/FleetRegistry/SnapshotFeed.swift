package import FleetModel
import UnitFile

/// Folds the registry's keys into a `Snapshot`: first from a list, then from watch batches, in revision order.
///
/// The text of unit files is parsed once, when it comes by, and not kept: a thousand units cost their options only.
/// What cannot be read is a `problem` and leaves its object out; nothing else suffers from it.
package struct SnapshotFeed: Sendable {
    package private(set) var snapshot = Snapshot()
    /// Keys whose values cannot be read, with the reason.
    package private(set) var problems: [Key: String] = [:]
    /// The stored format; nil before anything was written.
    package private(set) var format: RegistryFormat?

    private let keyspace: Keyspace
    private var intents: [UnitName: UnitIntent] = [:]
    private var targets: [UnitName: UnitTarget] = [:]
    private var files: [ContentHash: FileSummary] = [:]
    /// Which units name others by this Quadlet file in `[X-Fleet]`: they change with the unit that it means.
    private var namers: [QuadletName: Set<UnitName>] = [:]

    package init(keyspace: Keyspace) {
        self.keyspace = keyspace
    }

    /// True when a newer fleet has declared that this version may not take part.
    package var isTooNew: Bool {
        (format?.minimumReader ?? 0) > RegistryValue.version
    }

    /// Starts again from a list of all keys as of `revision`.
    package mutating func list(_ entries: [StoredEntry], at revision: Revision) -> Changes {
        self = SnapshotFeed(keyspace: keyspace)
        var changes = apply(entries.map(StoreEvent.put), upTo: revision)
        changes.all = true
        return changes
    }

    /// Folds one watch batch in.
    package mutating func apply(_ events: [StoreEvent], upTo revision: Revision) -> Changes {
        var changes = Changes()
        for event in events {
            switch event {
            case .put(let entry): put(entry, &changes)
            case .delete(let key, _): delete(key, &changes)
            }
        }
        for unit in changes.units { rebuild(unit) }
        snapshot.revision = max(snapshot.revision, revision)
        return changes
    }

    private mutating func put(_ entry: StoredEntry, _ changes: inout Changes) {
        guard let key = RegistryKey(entry.key, in: keyspace) else { return }
        problems[entry.key] = nil
        do throws(RegistryValueError) {
            try fold(key, entry, &changes)
        } catch {
            problems[entry.key] = "\(entry.key) \(error.message)"
            forget(key, &changes)
            remember(key, at: entry.modified)
        }
    }

    /// What cannot be read is there all the same: a write that replaces or removes it has to compare its revision.
    private mutating func remember(_ key: RegistryKey, at revision: Revision) {
        switch key {
        case .unit(let unit): snapshot.unitRevisions[unit] = revision
        case .target(let unit): snapshot.targetRevisions[unit] = revision
        case .labels(let machine): snapshot.labelRevisions[machine] = revision
        case .orders(let machine): snapshot.orderRevisions[machine] = revision
        case .move(let unit): snapshot.moveRevisions[unit] = revision
        case .brake: snapshot.brakeRevision = revision
        case .volume(let volume): snapshot.volumeRevisions[volume] = revision
        case .credential(let credential): snapshot.credentialRevisions[credential] = revision
        case .format, .file, .assignment, .status, .refusal, .failures, .presence, .known, .lock, .lockHolder, .leader,
            .event, .inventory, .images, .blob:
            break
        }
    }

    private mutating func delete(_ storeKey: Key, _ changes: inout Changes) {
        problems[storeKey] = nil
        guard let key = RegistryKey(storeKey, in: keyspace) else { return }
        forget(key, &changes)
    }

    private mutating func fold(
        _ key: RegistryKey,
        _ entry: StoredEntry,
        _ changes: inout Changes
    ) throws(RegistryValueError) {
        let value = entry.value
        switch key {
        case .format:
            format = try RegistryValue.decode(RegistryFormat.self, from: value)
            changes.all = true
        case .file(let hash):
            files[hash] = FileSummary(value)
            snapshot.fileRevisions[hash] = entry.modified
            changes.units.formUnion(snapshot.unitsByFile[hash] ?? [])
        case .unit(let unit):
            let intent = try RegistryValue.decode(UnitIntent.self, from: value)
            index(unit, intent, &changes)
            intents[unit] = intent
            snapshot.unitRevisions[unit] = entry.modified
            changes.units.insert(unit)
        case .target(let unit):
            targets[unit] = try RegistryValue.decode(UnitTarget.self, from: value)
            snapshot.targetRevisions[unit] = entry.modified
            changes.units.insert(unit)
        case .assignment(let machine, let unit):
            let assignment = try RegistryValue.decode(Assignment.self, from: value)
            snapshot.assignments[unit, default: [:]][machine] = assignment
            snapshot.assignmentRevisions[unit, default: [:]][machine] = entry.modified
            snapshot.unitsByMachine[machine, default: []].insert(unit)
            changes.units.insert(unit)
            changes.machines.insert(machine)
        case .status(let machine, let unit):
            snapshot.statuses[unit, default: [:]][machine] = try RegistryValue.decode(UnitStatus.self, from: value)
            changes.units.insert(unit)
        case .refusal(let machine, let unit):
            snapshot.refusals[unit, default: [:]][machine] = try RegistryValue.decode(Refusal.self, from: value)
            changes.units.insert(unit)
        case .failures(let unit, let scope):
            let record = try RegistryValue.decode(FailureRecord.self, from: value)
            snapshot.failures[unit, default: [:]][scope] = record
            snapshot.failureRevisions[unit, default: [:]][scope] = entry.modified
            changes.units.insert(unit)
        case .presence(let machine), .known(let machine), .labels(let machine), .orders(let machine):
            var known = snapshot.machines[machine] ?? Machine(id: machine)
            try fold(key, entry, into: &known)
            snapshot.machines[machine] = known
            changes.machines.insert(machine)
        // The machines settle these among themselves.
        case .lock, .lockHolder: return
        case .move(let unit):
            snapshot.moves[unit] = try RegistryValue.decode(MoveWish.self, from: value)
            snapshot.moveRevisions[unit] = entry.modified
            changes.units.insert(unit)
        case .volume, .inventory, .images, .credential, .blob:
            try foldProperty(key, entry, &changes)
        case .brake:
            set(try RegistryValue.decode(BrakeRecord.self, from: value), at: entry.modified, &changes)
        case .leader:
            let record = try RegistryValue.decode(LeaderRecord.self, from: value)
            snapshot.leadership = Leadership(machine: record.machine, epoch: entry.created, since: record.since)
            changes.leadership = true
        case .event(let unit, let id):
            insert(id, of: unit)
        }
    }

    /// What units use and keep: volumes, configs, secrets.
    private mutating func foldProperty(
        _ key: RegistryKey,
        _ entry: StoredEntry,
        _ changes: inout Changes
    ) throws(RegistryValueError) {
        switch key {
        case .volume(let volume):
            snapshot.volumeHomes[volume] = try RegistryValue.decode(VolumeHome.self, from: entry.value)
            snapshot.volumeRevisions[volume] = entry.modified
            changes.volumes.insert(volume)
        case .inventory(let machine):
            snapshot.inventories[machine] = try RegistryValue.decode(VolumeInventory.self, from: entry.value)
        // Where an image is decides where a unit goes next, and moves none.
        case .images(let machine):
            let names = try RegistryValue.decode(ImageInventory.self, from: entry.value).names
            snapshot.images[machine] = Set(names.compactMap { ImageName($0) })
        case .credential(let credential):
            snapshot.credentials[credential] = try RegistryValue.decode(CredentialRecord.self, from: entry.value)
            snapshot.credentialRevisions[credential] = entry.modified
            changes.units.formUnion(snapshot.users(of: credential))
        // Kept by nobody who only follows: it is read when a unit needs it.
        case .blob(let hash): snapshot.blobRevisions[hash] = entry.modified
        default: return
        }
    }

    /// The keys below one machine's.
    private mutating func fold(
        _ key: RegistryKey,
        _ entry: StoredEntry,
        into machine: inout Machine
    ) throws(RegistryValueError) {
        switch key {
        case .presence: machine.presence = try RegistryValue.decode(MachinePresence.self, from: entry.value)
        case .known: machine.known = try RegistryValue.decode(KnownMachine.self, from: entry.value)
        case .labels:
            machine.labels = try RegistryValue.decode(MachineLabels.self, from: entry.value).labels
            snapshot.labelRevisions[machine.id] = entry.modified
        case .orders:
            machine.orders = try RegistryValue.decode(MachineOrders.self, from: entry.value)
            snapshot.orderRevisions[machine.id] = entry.modified
        default: return
        }
    }

    private mutating func forget(_ key: RegistryKey, _ changes: inout Changes) {
        switch key {
        case .format:
            format = nil
            changes.all = true
        case .file(let hash):
            files[hash] = nil
            snapshot.fileRevisions[hash] = nil
            changes.units.formUnion(snapshot.unitsByFile[hash] ?? [])
        case .unit(let unit):
            index(unit, nil, &changes)
            intents[unit] = nil
            snapshot.unitRevisions[unit] = nil
            changes.units.insert(unit)
        case .target(let unit):
            targets[unit] = nil
            snapshot.targetRevisions[unit] = nil
            changes.units.insert(unit)
        case .assignment(let machine, let unit):
            snapshot.assignments.remove(machine, of: unit)
            snapshot.assignmentRevisions.remove(machine, of: unit)
            snapshot.unitsByMachine.remove(unit, of: machine)
            changes.units.insert(unit)
            changes.machines.insert(machine)
        case .status(let machine, let unit):
            snapshot.statuses.remove(machine, of: unit)
            changes.units.insert(unit)
        case .refusal(let machine, let unit):
            snapshot.refusals.remove(machine, of: unit)
            changes.units.insert(unit)
        case .failures(let unit, let scope):
            snapshot.failures.remove(scope, of: unit)
            snapshot.failureRevisions.remove(scope, of: unit)
            changes.units.insert(unit)
        case .presence(let machine):
            snapshot.machines[machine]?.presence = nil
            dropUnknown(machine)
            changes.machines.insert(machine)
        case .known(let machine):
            snapshot.machines[machine]?.known = nil
            dropUnknown(machine)
            changes.machines.insert(machine)
        case .labels(let machine):
            snapshot.machines[machine]?.labels = [:]
            snapshot.labelRevisions[machine] = nil
            dropUnknown(machine)
            changes.machines.insert(machine)
        case .lock, .lockHolder: return
        case .orders(let machine):
            snapshot.machines[machine]?.orders = MachineOrders()
            snapshot.orderRevisions[machine] = nil
            dropUnknown(machine)
            changes.machines.insert(machine)
        case .move(let unit):
            snapshot.moves[unit] = nil
            snapshot.moveRevisions[unit] = nil
            changes.units.insert(unit)
        case .volume, .inventory, .images, .credential, .blob: forgetProperty(key, &changes)
        case .brake:
            set(nil, at: nil, &changes)
        case .leader:
            snapshot.leadership = nil
            changes.leadership = true
        case .event(let unit, let id):
            snapshot.eventIDs[unit]?.removeAll { $0 == id }
            if snapshot.eventIDs[unit]?.isEmpty == true { snapshot.eventIDs[unit] = nil }
        }
    }

    private mutating func forgetProperty(_ key: RegistryKey, _ changes: inout Changes) {
        switch key {
        case .volume(let volume):
            snapshot.volumeHomes[volume] = nil
            snapshot.volumeRevisions[volume] = nil
            changes.volumes.insert(volume)
        case .inventory(let machine): snapshot.inventories[machine] = nil
        case .images(let machine): snapshot.images[machine] = nil
        case .credential(let credential):
            snapshot.credentials[credential] = nil
            snapshot.credentialRevisions[credential] = nil
            changes.units.formUnion(snapshot.users(of: credential))
        case .blob(let hash): snapshot.blobRevisions[hash] = nil
        default: return
        }
    }

    /// Whether a lost machine's units are held changes for those that were, and for those that are.
    private mutating func set(_ brake: BrakeRecord?, at revision: Revision?, _ changes: inout Changes) {
        for record in [snapshot.brake, brake] { changes.machines.formUnion((record?.lost ?? [:]).keys) }
        snapshot.brake = brake
        snapshot.brakeRevision = revision
    }

    /// A machine that is neither present nor remembered nor labelled, and of which nothing is ordered, is not known any
    /// more.
    private mutating func dropUnknown(_ machine: MachineID) {
        guard let known = snapshot.machines[machine], known.presence == nil, known.known == nil,
            known.labels.isEmpty, known.orders.isEmpty
        else { return }
        snapshot.machines[machine] = nil
    }

    private mutating func index(_ unit: UnitName, _ intent: UnitIntent?, _ changes: inout Changes) {
        if let old = intents[unit]?.file, old != intent?.file { snapshot.unitsByFile.remove(unit, of: old) }
        if let file = intent?.file { snapshot.unitsByFile[file, default: []].insert(unit) }
        if let old = intents[unit]?.source, old != intent?.source { snapshot.unitsBySource.remove(unit, of: old) }
        if let source = intent?.source { snapshot.unitsBySource[source, default: []].insert(unit) }
        guard intents[unit]?.source != intent?.source else { return }
        for source in [intents[unit]?.source, intent?.source] {
            if let source { changes.units.formUnion(namers[source] ?? []) }
        }
    }

    private mutating func insert(_ id: EventID, of unit: UnitName) {
        var ids = snapshot.eventIDs[unit] ?? []
        let place = ids.lastIndex { $0 <= id }
        guard place.map({ ids[$0] != id }) ?? true else { return }
        ids.insert(id, at: place.map { $0 + 1 } ?? 0)
        snapshot.eventIDs[unit] = ids
    }

    /// A unit is there once its intent, its target and its file are, and its options make sense for its name.
    private mutating func rebuild(_ name: UnitName) {
        guard let intent = intents[name], let target = targets[name] else {
            show(nil, as: name)
            return
        }
        let place = RegistryKey.file(intent.file).key(in: keyspace)
        let reason: String
        switch files[intent.file] {
        case .readable(let section, let description, let quadlets, let states, let systemd):
            do throws(UnitFileError) {
                let options = try section.options(for: name, source: intent.source)
                    .naming { snapshot.name(meantBy: $0) }
                let unit = Unit(
                    name: name,
                    intent: intent,
                    target: target,
                    options: options,
                    description: SpecifierText.expand(description, for: name),
                    quadlet: intent.source.flatMap { quadlets[$0.kind] },
                    volumes: UnitVolumes(
                        intent.source.flatMap { quadlets[$0.kind]?.volumes } ?? states,
                        unit: name,
                        source: intent.source
                    ),
                    systemd: systemd,
                    renewal: snapshot.renewal(for: options, by: .restart),
                    reload: snapshot.renewal(for: options, by: .reload)
                )
                show(unit, as: name)
                problems[RegistryKey.unit(name).key(in: keyspace)] = nil
                return
            } catch {
                reason = "\(error)"
            }
        case .unreadable(let message): reason = message
        case nil: reason = "is not stored"
        }
        show(nil, as: name)
        problems[RegistryKey.unit(name).key(in: keyspace)] = "\(name): its file \(place): \(reason)"
    }

    private mutating func show(_ unit: Unit?, as name: UnitName) {
        for source in snapshot.units[name]?.options.quadlets.all ?? [] { namers.remove(name, of: source) }
        for source in unit?.options.quadlets.all ?? [] { namers[source, default: []].insert(name) }
        snapshot.units[name] = unit
    }
}

/// What is kept of a unit file's text.
private enum FileSummary: Sendable {
    /// `quadlets` has what the file asks of podman, for each kind that it has the section of; its unit knows which one
    /// it is.
    case readable(
        FleetSection,
        description: String,
        quadlets: [QuadletKind: QuadletFacts],
        states: VolumeFacts,
        systemd: SystemdNeed?
    )
    case unreadable(String)

    init(_ bytes: [UInt8]) {
        do throws(UnitFileError) {
            let file = try ParsedUnitFile.parse(bytes: bytes)
            let kinds = QuadletKind.allCases.filter { file.hasSection($0.section) }
            self = .readable(
                try FleetSection.parse(file),
                description: file.description ?? "",
                quadlets: Dictionary(uniqueKeysWithValues: kinds.map { ($0, QuadletFacts(of: $0, file)) }),
                states: VolumeFacts(of: nil, file),
                systemd: SystemdNeed(of: file)
            )
        } catch {
            self = .unreadable("\(error)")
        }
    }
}

extension Dictionary {
    /// Removes from the inner dictionary, and the inner dictionary once it is empty.
    fileprivate mutating func remove<Inner, Item>(_ inner: Inner, of key: Key) where Value == [Inner: Item] {
        self[key]?[inner] = nil
        if self[key]?.isEmpty == true { self[key] = nil }
    }

    /// Removes from the inner set, and the set once it is empty.
    fileprivate mutating func remove<Item>(_ item: Item, of key: Key) where Value == Set<Item> {
        self[key]?.remove(item)
        if self[key]?.isEmpty == true { self[key] = nil }
    }
}
