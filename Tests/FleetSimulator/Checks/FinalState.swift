import FleetModel
import FleetRegistry
import UnitFile

/// Everything that is stored, decoded once more from the store's entries, for the judgement after everything was
/// healed. No feed and no index has a part in it.
struct FinalState {
    struct Placed {
        let machine: Int
        let assignment: Assignment
    }

    var intents: [UnitName: UnitIntent] = [:]
    var targets: [UnitName: UnitTarget] = [:]
    var placed: [UnitName: [Placed]] = [:]
    var statuses: [WorldChecks.Place: UnitStatus] = [:]
    var refusals: Set<WorldChecks.Place> = []
    var failures: [UnitName: [FailureScope: FailureRecord]] = [:]
    var present: Set<Int> = []
    var labels: [Int: [String: String?]] = [:]
    var locks: [UnitName: MachineID] = [:]
    var orders: [Int: MachineOrders] = [:]
    var volumes: [VolumeName: Int] = [:]
    /// Whose homes those are.
    var owners: [VolumeName: UnitName] = [:]
    var brake: BrakeRecord?
    var moves: [UnitName: MoveWish] = [:]
    var leader: MachineID?

    init(_ checks: WorldChecks) {
        for entry in checks.store.entries.values {
            guard let key = RegistryKey(entry.key, in: checks.keyspace) else { continue }
            func index(_ machine: MachineID) -> Int { checks.machine(machine).index }
            switch key {
            case .unit(let unit): intents[unit] = checks.decode(UnitIntent.self, entry)
            case .target(let unit): targets[unit] = checks.decode(UnitTarget.self, entry)
            case .assignment(let machine, let unit):
                guard let assignment = checks.decode(Assignment.self, entry) else { continue }
                placed[unit, default: []].append(Placed(machine: index(machine), assignment: assignment))
            case .status(let machine, let unit):
                let place = WorldChecks.Place(unit: unit, machine: index(machine))
                statuses[place] = checks.decode(UnitStatus.self, entry)
            case .refusal(let machine, let unit):
                refusals.insert(WorldChecks.Place(unit: unit, machine: index(machine)))
            case .failures(let unit, let scope):
                failures[unit, default: [:]][scope] = checks.decode(FailureRecord.self, entry)
            case .presence(let machine): present.insert(index(machine))
            case .labels(let machine): labels[index(machine)] = checks.decode(MachineLabels.self, entry)?.labels
            case .orders(let machine): orders[index(machine)] = checks.decode(MachineOrders.self, entry)
            case .move(let unit): moves[unit] = checks.decode(MoveWish.self, entry)
            case .brake: brake = checks.decode(BrakeRecord.self, entry)
            case .leader: leader = checks.decode(LeaderRecord.self, entry)?.machine
            case .lock(let unit): locks[unit] = checks.decode(UnitLock.self, entry)?.machine
            case .volume(let volume):
                let home = checks.decode(VolumeHome.self, entry)
                (volumes[volume], owners[volume]) = (home.map { index($0.machine) }, home?.unit)
            case .known, .lockHolder, .format, .file, .event, .inventory, .images, .credential, .blob: break
            }
        }
        for unit in placed.keys { placed[unit]?.sort { $0.machine < $1.machine } }
    }

    func generation(of unit: UnitName) -> Generation {
        max(intents[unit]?.generation ?? 0, targets[unit]?.generation ?? 0)
    }

    func zone(of machine: SimMachine) -> String? {
        guard let label = labels[machine.index]?["zone"] else { return machine.zone }
        return label
    }

    func units(on machine: Int) -> [UnitName] {
        placed.filter { $0.value.contains { $0.machine == machine } }.keys.sorted()
    }
}
