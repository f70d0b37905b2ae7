import FleetModel
import UnitFile

/// One machine as the planner looks at it: what constraints and ranking ask of a machine, ready to be asked for
/// thousands of units.
struct Host: Equatable, Sendable {
    let id: MachineID
    var isPresent = false
    /// `%H` of its units; empty while the machine is lost.
    var hostname = ""
    /// `Machine.metadata`, merged once.
    var metadata: [String: String] = [:]
    var podman: PodmanVersion?
    /// nil where it is not known.
    var systemd: Int?
    /// The keys for secrets that it has.
    var secretKeys: Set<SecretKeyID> = []
    /// The machine is lost, and its units stay assigned to it until it is back.
    var isBraked = false
    /// Cordon and drain.
    var orders = MachineOrders()
    /// Every unit assigned to the machine.
    var units: Set<UnitName> = []
    /// How many of `units` have a target state above inactive: what "least loaded" counts.
    var load = 0
    /// The patterns that units here declare in `Conflicts=`, with those units.
    var conflicts: [UnitPattern: Set<UnitName>] = [:]
    /// The same for `Replaces=`.
    var replaces: [UnitPattern: Set<UnitName>] = [:]

    init(id: MachineID) { self.id = id }

    mutating func add(_ name: UnitName, _ relations: Relations, isActive: Bool) {
        guard units.insert(name).inserted else { return }
        if isActive { load += 1 }
        for pattern in relations.conflicts { conflicts[pattern, default: []].insert(name) }
        for pattern in relations.replaces { replaces[pattern, default: []].insert(name) }
    }

    mutating func remove(_ name: UnitName, _ relations: Relations, isActive: Bool) {
        guard units.remove(name) != nil else { return }
        if isActive { load -= 1 }
        for pattern in relations.conflicts { Self.drop(name, pattern, from: &conflicts) }
        for pattern in relations.replaces { Self.drop(name, pattern, from: &replaces) }
    }

    private static func drop(_ name: UnitName, _ key: UnitPattern, from patterns: inout [UnitPattern: Set<UnitName>]) {
        patterns[key]?.remove(name)
        if patterns[key]?.isEmpty == true { patterns[key] = nil }
    }
}

/// What a unit's options say about other units.
struct Relations: Equatable, Sendable {
    var conflicts: [UnitPattern] = []
    var replaces: [UnitPattern] = []
    var machineOf: [UnitName] = []
    /// The pod that it is in.
    var pod: QuadletName?

    init() {}

    init(_ unit: Unit) {
        conflicts = unit.options.conflicts
        replaces = unit.options.replaces
        machineOf = unit.options.machineOf
        pod = unit.pod
    }
}
