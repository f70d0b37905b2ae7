import FleetModel
import FleetRegistry
import UnitFile

/// Collects what a change writes, unit by unit, and packs it into transactions. The use cases are its extensions, one
/// per file; each decides about one unit and calls `write` once or records another effect.
struct ChangePlanner {
    let snapshot: Snapshot
    let user: Provenance
    let keyspace: Keyspace
    var events: EventIDs
    /// The units that the change names: what is asked of one is asked of all.
    var named: Set<UnitName> = []
    /// Quadlet files that get another text, with their units.
    var replaced: [QuadletName: UnitName] = [:]
    var effects: [UnitName: ChangeOutcome.Effect] = [:]
    var machineEffects: [MachineID: ChangeOutcome.MachineEffect] = [:]
    private var writes: [Writes] = []

    /// All that is written for one unit, or for one machine's labels or orders.
    struct Writes {
        var unit: UnitName?
        var compares: [Compare] = []
        var operations: [StoreOperation] = []
        /// A file that the unit uses from now on.
        var file: (hash: ContentHash, text: String)?
        /// The file that it used and does not use any more.
        var dropped: ContentHash?
    }

    init(snapshot: Snapshot, user: Provenance, keyspace: Keyspace, events: EventIDs) {
        self.snapshot = snapshot
        self.user = user
        self.keyspace = keyspace
        self.events = events
    }

    /// Calls `body` once for each of `names`, in their order.
    mutating func forEach(_ names: [UnitName], _ body: (inout ChangePlanner, UnitName) -> Void) {
        named = Set(names)
        var seen: Set<UnitName> = []
        for name in names where seen.insert(name).inserted { body(&self, name) }
    }

    mutating func write(_ unit: Writes) { writes.append(unit) }

    mutating func refuse(_ unit: UnitName, _ kind: UseCaseError.Kind, _ message: String) {
        effects[unit] = .refused(UseCaseError(kind, unit, message))
    }

    // MARK: Pieces of a unit's writes

    /// Conditions that nobody has changed the unit's file or target state since the snapshot.
    func isUnchanged(_ unit: UnitName) -> [Compare] {
        [
            compare(.unit(unit), with: snapshot.unitRevisions[unit]),
            compare(.target(unit), with: snapshot.targetRevisions[unit]),
        ]
    }

    func compare(_ key: RegistryKey, with revision: Revision?) -> Compare {
        .unchanged(key.key(in: keyspace), since: revision)
    }

    func put(_ key: RegistryKey, _ value: some Encodable) -> StoreOperation {
        .put(key.key(in: keyspace), RegistryValue.encode(value), lease: nil)
    }

    /// Forgets every failure of `unit`.
    func forgetFailures(of unit: UnitName) -> StoreOperation { .delete(keyspace.failures(of: unit)) }

    /// Appends an event, and removes the oldest beyond `Limits.eventsPerUnit`.
    mutating func event(_ kind: UnitEvent.Kind, of unit: UnitName, _ message: String) -> [StoreOperation] {
        let event = UnitEvent(at: user.at, unit: unit, kind: kind, message: "\(message) by \(user.by)")
        let stored = snapshot.eventIDs[unit] ?? []
        let tooMany = max(0, stored.count + 1 - Limits.eventsPerUnit)
        let removals = stored.prefix(tooMany).prefix(Self.removedEvents).map { id in
            StoreOperation.delete(.key(RegistryKey.event(unit, id).key(in: keyspace)))
        }
        return [put(.event(unit, events.next(at: user.at)), event)] + removals
    }

    /// Old events removed with a new one: more than one, so that a list that grew too long shrinks again, and few, so
    /// that a unit's writes fit into one transaction.
    private static let removedEvents = 4

    /// Larger than every generation there ever was of `unit`: also those of a destroyed unit of the same name, which
    /// some machine has not yet let go of and may not have told of. A new unit counts from the registry's revision
    /// on, which grows with every change of a generation, so that no generation was ever larger.
    func nextGeneration(of unit: UnitName) -> Generation {
        let assigned = snapshot.assignments[unit]?.values.map(\.generation).max() ?? 0
        let reported = snapshot.statuses[unit]?.values.compactMap(\.run?.generation).max() ?? 0
        let own = snapshot.units[unit]?.generation ?? snapshot.revision.number
        return max(own, assigned, reported) + 1
    }

    // MARK: Packing

    consuming func finish() -> ChangePlan {
        var users = snapshot.unitsByFile
        for write in writes {
            guard let unit = write.unit else { continue }
            if let dropped = write.dropped { users[dropped]?.remove(unit) }
            if let file = write.file { users[file.hash, default: []].insert(unit) }
        }
        // Where a file loses its last user for good.
        var lastDrop: [ContentHash: Int] = [:]
        for (index, write) in writes.enumerated() {
            if let dropped = write.dropped, users[dropped]?.isEmpty ?? true { lastDrop[dropped] = index }
        }
        var packer = StepPacker(keyspace: keyspace)
        for (index, write) in writes.enumerated() {
            var write = write
            if let dropped = write.dropped, lastDrop[dropped] == index, let at = snapshot.fileRevisions[dropped] {
                // Whoever submits the same text at this moment writes the file again, and this conflicts.
                let key = RegistryKey.file(dropped).key(in: keyspace)
                write.compares.append(.modified(key, at: at))
                write.operations.append(.delete(.key(key)))
            }
            packer.add(write)
        }
        return ChangePlan(
            steps: packer.finish(),
            confirmations: confirmations(),
            outcome: ChangeOutcome(units: effects, machines: machineEffects),
            replaced: replaced
        )
    }

    private func confirmations() -> [ChangePlan.Step] {
        var packer = StepPacker(keyspace: keyspace)
        for (unit, effect) in effects.sorted(by: { $0.key < $1.key }) where effect.isUnwritten {
            packer.add(Writes(unit: unit, compares: isUnchanged(unit)))
        }
        for (machine, effect) in machineEffects.sorted(by: { $0.key < $1.key }) where effect == .unchanged {
            packer.add(Writes(compares: [compare(.orders(machine), with: snapshot.orderRevisions[machine])]))
        }
        return packer.finish()
    }
}

/// Puts units' writes together into as few transactions as the store's limits allow.
private struct StepPacker {
    let keyspace: Keyspace
    private var steps: [ChangePlan.Step] = []
    private var step = ChangePlan.Step(units: [], transaction: Transaction())
    private var files: Set<ContentHash> = []
    private var bytes = 0

    init(keyspace: Keyspace) { self.keyspace = keyspace }

    mutating func add(_ write: ChangePlanner.Writes) {
        if !fits(write) { cut() }
        if let unit = write.unit { step.units.insert(unit) }
        step.transaction.compares += write.compares
        step.transaction.operations += write.operations
        bytes += size(of: write)
        // Also when it is stored already: a destroy that is about to remove the file must notice this user.
        if let file = write.file, files.insert(file.hash).inserted {
            let key = RegistryKey.file(file.hash).key(in: keyspace)
            step.transaction.operations.append(.put(key, Array(file.text.utf8), lease: nil))
        }
    }

    mutating func finish() -> [ChangePlan.Step] {
        cut()
        return steps
    }

    private func fits(_ write: ChangePlanner.Writes) -> Bool {
        let operations = step.transaction.operations.count + write.operations.count + 1
        let compares = step.transaction.compares.count + write.compares.count
        return max(operations, compares) <= Limits.operationsPerTransaction
            && bytes + size(of: write) <= ChangePlan.transactionBytes
    }

    private func size(of write: ChangePlanner.Writes) -> Int {
        let values = write.operations.reduce(0) { sum, operation in
            switch operation {
            case .put(_, let value, _): sum + value.count
            case .delete: sum
            }
        }
        guard let file = write.file, !files.contains(file.hash) else { return values }
        return values + file.text.utf8.count
    }

    private mutating func cut() {
        guard !step.transaction.operations.isEmpty || !step.transaction.compares.isEmpty else { return }
        steps.append(step)
        step = ChangePlan.Step(units: [], transaction: Transaction())
        files = []
        bytes = 0
    }
}
