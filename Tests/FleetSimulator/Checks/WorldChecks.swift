import FleetAgent
import FleetModel
import FleetRegistry
import UnitFile

/// Watches the world for broken promises while things go wrong. What the cores believe is of no interest here: only
/// what is stored, what runs, and what users were told.
final class WorldChecks {
    unowned let world: SimWorld
    let store: SimStore
    var machines: [SimMachine] = []
    let keyspace: Keyspace
    /// Every value that users stored under a key of theirs, with its revision; nil: deleted.
    private var wishes: [Key: [(revision: Revision, value: [UInt8]?)]] = [:]
    private(set) var files: [UnitName: ContentHash] = [:]
    private var orders: [Int: MachineOrders] = [:]
    private var moves: [UnitName: Int] = [:]
    /// Where each volume was written last, by a unit that was assigned there.
    var written: [VolumeName: Int] = [:]
    /// Machines on which users want units without the data of these volumes.
    var released: [VolumeName: Set<Int>] = [:]
    var assignments: [UnitName: [Int: Held]] = [:]
    /// When a machine lost an assignment.
    var unassigned: [Place: SimTime] = [:]
    var copies: [UnitName: [Int: SimTime]] = [:]
    /// Copies with the lock of an at-most-once unit.
    var guarded: [UnitName: Set<Int>] = [:]
    var runs: [Place: RunTrack] = [:]
    var failures: [UnitName: Int] = [:]
    var loads: [Int: Load] = [:]
    /// The busiest minutes of all, for choosing the limits.
    var busiest = Load()
    /// The newest run of each ordinary unit that was started anywhere, and when.
    var began: [UnitName: (run: RunID, at: SimTime)] = [:]
    /// The last time anything of fleet's was written, or asked of a systemd.
    private(set) var lastWrite = SimTime.start
    var lastOperation = SimTime.start

    struct Place: Hashable {
        let unit: UnitName
        let machine: Int
    }

    /// An assignment as it is stored.
    struct Held {
        var assignment: Assignment
        /// Since when the machine has been asked to run this file without a break.
        var since: SimTime
    }

    init(world: SimWorld, store: SimStore) {
        self.world = world
        self.store = store
        keyspace = world.keyspace
        store.watcher = self
    }

    func machine(_ id: MachineID) -> SimMachine {
        guard let machine = machines.first(where: { $0.id == id }) else { preconditionFailure("no machine \(id)") }
        return machine
    }

    // MARK: The store

    /// One revision, as it has just become.
    func changed(_ events: [StoreEvent], by writer: SimStore.Writer) {
        if case .outsider = writer { return }
        lastWrite = world.now
        checkEpoch(events, writer)
        var placed: [UnitName: Int] = [:]
        var touchesUnits = false
        for event in events {
            guard let key = RegistryKey(event.key, in: keyspace) else {
                world.find(.half, "\(event.key) is no key of the schema")
                continue
            }
            switch key {
            case .unit(let unit):
                touchesUnits = true
                note(event, writer)
                files[unit] = decode(UnitIntent.self, event)?.file
                if files[unit] == nil { forgetRuns(of: unit) }
            case .target, .labels: note(event, writer)
            case .orders(let machine):
                note(event, writer)
                orders[self.machine(machine).index] = decode(MachineOrders.self, event)
            case .move(let unit):
                let wish = decode(MoveWish.self, event)
                moves[unit] = wish.map { self.machine($0.to).index }
                if let wish, wish.losesVolumes == true { release(unit, to: self.machine(wish.to).index) }
            case .file:
                touchesUnits = true
                note(event, writer)
            case .assignment(let machine, let unit):
                if placed[unit] == nil { placed[unit] = assignments[unit]?.count ?? 0 }
                assign(unit, self.machine(machine).index, decode(Assignment.self, event), writer)
            case .failures(let unit, let scope): recordFailure(event, unit, scope, writer)
            case .presence(let machine): checkPresence(event, self.machine(machine))
            case .known, .format, .status, .refusal, .lock, .lockHolder, .brake, .leader, .event, .inventory, .images,
                .volume,
                .credential, .blob:
                break
            }
        }
        if touchesUnits {
            checkFiles()
            noteWhoLosesData()
        }
        for (unit, before) in placed.sorted(by: { $0.key < $1.key }) { checkPlaces(unit, before: before) }
        checkMoves(events, writer)
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ event: StoreEvent) -> Value? {
        guard case .put(let entry) = event else { return nil }
        return decode(type, entry)
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ entry: StoredEntry) -> Value? {
        do throws(RegistryValueError) {
            return try RegistryValue.decode(type, from: entry.value)
        } catch {
            world.find(.half, "\(entry.key) \(error)")
            return nil
        }
    }

    /// No engine writes but the one that leads.
    private func checkEpoch(_ events: [StoreEvent], _ writer: SimStore.Writer) {
        guard case .engine(_, let epoch) = writer else { return }
        let leader = RegistryKey.leader.key(in: keyspace)
        if events.count == 1, events.first?.key == leader { return }
        let live = store.entries[leader]?.created
        if epoch == nil || epoch != live {
            let keys = events.map(\.key.description).joined(separator: ", ")
            world.find(.fencing, "\(writer) wrote \(keys), and the epoch is \(live.map(\.description) ?? "over")")
        }
    }

    /// Keys that hold what users want change by users' wishes alone, and never by one that was made without knowing of
    /// another.
    private func note(_ event: StoreEvent, _ writer: SimStore.Writer) {
        guard case .user(let request) = writer else {
            return world.find(.lost, "\(event.key) was changed by \(writer)")
        }
        // What is not there was perhaps there in between: nothing of it is left to be overwritten.
        if let last = wishes[event.key]?.last, last.revision > request.basedOn, last.value != nil,
            !event.key.description.contains("/files/")
        {
            world.find(.lost, "\(writer) overwrote \(event.key) of revision \(last.revision) unseen")
        }
        switch event {
        case .put(let entry): wishes[event.key, default: []].append((entry.modified, entry.value))
        case .delete(_, let revision): wishes[event.key, default: []].append((revision, nil))
        }
    }

    /// A unit's file is always stored.
    private func checkFiles() {
        for (unit, file) in files.sorted(by: { $0.key < $1.key })
        where store.entries[RegistryKey.file(file).key(in: keyspace)] == nil {
            world.find(.half, "the file \(file.short) of \(unit) is not stored")
        }
    }

    /// What a user was told to be stored is stored, and is what was asked for.
    func acknowledged(_ request: ControlShell.Request) {
        for (transaction, revision) in request.steps {
            for case .put(let key, let value, _) in transaction.operations where wishes[key] != nil || isWish(key) {
                let isStored = wishes[key]?.contains { $0.revision == revision && $0.value == value } ?? false
                if !isStored {
                    world.find(.lost, "user \(request.number) was told that \(key) is stored, it never was")
                }
            }
        }
    }

    private func isWish(_ key: Key) -> Bool {
        switch RegistryKey(key, in: keyspace) {
        case .unit, .target, .file, .labels, .orders: true
        default: false
        }
    }

    /// The lease of a machine that is well does not end. With lost messages it may: a call that is waited for in vain
    /// takes half a lease.
    private func checkPresence(_ event: StoreEvent, _ machine: SimMachine) {
        guard case .delete = event else { return machine.registered() }
        guard world.options.loss == 0, let healthy = machine.healthySince,
            world.now.since(healthy) > SimOptions.agentTTL * 3
        else { return }
        world.find(.disturbed, "m\(machine.index) is well since \(healthy), and its lease has ended")
    }

    // MARK: Assignments and failures

    private func assign(_ unit: UnitName, _ machine: Int, _ new: Assignment?, _ writer: SimStore.Writer) {
        let place = Place(unit: unit, machine: machine)
        guard let new else {
            assignments[unit]?[machine] = nil
            unassigned[place] = world.now
            runs[place] = nil
            return
        }
        let old = assignments[unit]?[machine]
        if let old = old?.assignment, (old.generation, old.attempt) > (new.generation, new.attempt) {
            world.find(.backwards, "\(unit) on m\(machine): run \(old.run), then \(new.run)")
        }
        let goesOn = old?.assignment.file == new.file && old?.assignment.target == new.target
        assignments[unit, default: [:]][machine] = Held(
            assignment: new,
            since: goesOn ? old?.since ?? world.now : world.now
        )
        unassigned[place] = nil
    }

    func hasAskedForMove(_ unit: UnitName) -> Bool { moves[unit] != nil }

    /// No transaction gives an ordinary unit a further machine, unless it is to leave the one that it has.
    private func checkPlaces(_ unit: UnitName, before: Int) {
        let places = assignments[unit] ?? [:]
        guard places.count > max(before, 1), let file = files[unit], world.specs[file]?.isGlobal == false else {
            return
        }
        let isLeaving = places.keys.contains { place in
            orders[place]?.draining != nil || moves[unit].map { $0 != place } ?? false
        }
        if places.count == 2, isLeaving, world.specs[file]?.isAtMostOnce == false { return }
        let machines = places.keys.sorted().map { "m\($0)" }.joined(separator: ", ")
        world.find(.doubleAssignment, "\(unit) is assigned to \(machines)")
    }

    private func recordFailure(
        _ event: StoreEvent,
        _ unit: UnitName,
        _ scope: FailureScope,
        _ writer: SimStore.Writer
    ) {
        guard let new = decode(FailureRecord.self, event) else {
            if case .user = writer {
                recorded[RecordPlace(unit: unit, scope: scope)] = nil
            } else {
                world.find(.lost, "the failures of \(unit) were forgotten by \(writer)")
            }
            return
        }
        let place = RecordPlace(unit: unit, scope: scope)
        if let old = recorded[place], old.isCurrent(at: new), new.count < old.count {
            world.find(.backwards, "\(unit) has failed \(old.count) times, then \(new.count) times")
        }
        recorded[place] = new
    }

    private struct RecordPlace: Hashable {
        let unit: UnitName
        let scope: FailureScope
    }

    private var recorded: [RecordPlace: FailureRecord] = [:]
}

extension FailureRecord {
    fileprivate func isCurrent(at other: FailureRecord) -> Bool {
        recent.last?.run.generation == other.recent.last?.run.generation
    }
}
