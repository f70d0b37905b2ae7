import FleetModel
import FleetPlanner
import UnitFile

/// Draws random changes of a small fleet. Few names and machines, so that everything meets everything; option sets that
/// validation would refuse are drawn too, because the planner must come to rest whatever it is given.
struct Scenario {
    var random: SeededGenerator
    var fleet = TestFleet()
    let names: [UnitName]
    let machines: [MachineID]
    /// How readily units are given relations to others, drawn once per seed so that seeds differ in kind.
    private let relationWeight: Int
    private let globalWeight: Int
    /// How readily units come from Quadlet files; 0 for never.
    private let quadletWeight: Int
    /// How readily units have volumes; 0 for never.
    private let volumeWeight: Int
    private let volumes = [volume("v1"), volume("v2"), volume("v3")]
    /// How readily units ask for secrets; 0 for never.
    private let secretWeight: Int

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        let count = 2 + random.below(7)
        names = (0..<count).map { unit(["a", "b", "web@1", "web@2", "db", "c", "x", "y"][$0] + ".service") }
        machines = "123456".prefix(1 + random.below(5)).map { machine($0) }
        relationWeight = 2 + random.below(5)
        globalWeight = 3 + random.below(8)
        quadletWeight = random.below(4)
        volumeWeight = random.below(4)
        secretWeight = random.below(4)
    }

    /// One random change; what it was, for the failure report.
    mutating func mutate() -> String {
        let name = random.pick(names)
        let machine = random.pick(machines)
        switch random.below(30) {
        case 0...4:
            let options = drawOptions(for: name)
            let target = random.pick([TargetState.launched, .launched, .launched, .loaded, .inactive])
            let volumes = drawVolumes()
            guard let (source, quadlet) = drawQuadlet(for: name) else {
                fleet.submit(name, volumes: volumes, target: target, options)
                return "submit \(name) \(target) \(volumes) \(options.words)"
            }
            let text = "\(random.below(3))"
            fleet.submit(name, from: source, quadlet: quadlet, text: text, volumes: volumes, target: target, options)
            return "submit \(source) \(text) \(volumes) \(quadlet) \(target) \(options.words)"
        case 5...6:
            let target = random.pick([TargetState.launched, .launched, .inactive, .loaded])
            fleet.target(name, target)
            return "target \(name) \(target)"
        case 7:
            fleet.destroy(name)
            return "destroy \(name)"
        case 8...10:
            let metadata = ["region": random.pick(["eu", "us"])]
            let podman = random.pick([
                PodmanVersion?.none, PodmanVersion(4, 9), PodmanVersion(5, 4), PodmanVersion(5, 4),
            ])
            fleet.machine(machine, metadata: metadata, podman: podman)
            if secretWeight > 0 { fleet.give(TestFleet.keys.filter { _ in random.oneIn(2) }, to: machine) }
            return "machine \(machine.short) \(metadata) \(podman.map(\.description) ?? "no podman")"
        case 11:
            fleet.lose(machine)
            if random.oneIn(2) { fleet.brake() }
            return "lose \(machine.short)"
        case 12:
            let labels: [String: String?] = random.oneIn(2) ? [:] : ["region": random.pick(["eu", "us", nil])]
            fleet.label(machine, labels)
            return "label \(machine.short) \(labels)"
        case 13:
            fleet.refuse(name, on: machine, random.oneIn(2) ? nil : "taken")
            return "refuse \(name) \(machine.short)"
        case 14...16:
            let places = (fleet.snapshot.assignments[name] ?? [:]).keys.sorted()
            guard !places.isEmpty else { return "-" }
            let place = random.pick(places)
            let held = drawHeld(name)
            fleet.fail(name, on: place, holding: held)
            return "fail \(name) on \(place.short) holding \(held?.description ?? "?")"
        case 17:
            fleet.now = fleet.now.advanced(by: .seconds(random.pick([0, 1, 5, 10, 60, 600, 4000])))
            return "advance"
        case 18:
            fleet.restart(name)
            return "restart \(name)"
        case 19:
            fleet.resetFailed(name)
            return "reset-failed \(name)"
        default: return operate(name, machine)
        }
    }

    /// What operators do to machines, and what makes it matter: units that have arrived.
    private mutating func operate(_ name: UnitName, _ machine: MachineID) -> String {
        switch random.below(secretWeight > 0 ? 12 : 10) {
        case 10...11:
            let id = TestFleet.secret(random.pick(["s", "t"]))
            let key = random.pick([nil] + TestFleet.keys + TestFleet.keys)
            fleet.set(id, under: key)
            return "set \(id) under \(key?.description ?? "nothing")"
        case 0:
            fleet.cordon(machine)
            return "cordon \(machine.short)"
        case 1...2:
            let deadline = random.pick([Duration?.none, .seconds(5), .seconds(60)])
            fleet.drain(machine, deadline: deadline)
            return "drain \(machine.short) \(deadline.map(\.description) ?? "")"
        case 3:
            fleet.order(machine, MachineOrders())
            return "uncordon \(machine.short)"
        case 4:
            guard fleet.snapshot.units[name] != nil else { return "-" }
            let loses = random.oneIn(2)
            fleet.wish(name, on: machine, losing: loses)
            return "wish \(name) on \(machine.short) \(loses ? "losing" : "")"
        case 5 where volumeWeight > 0:
            let volume = random.pick(volumes)
            fleet.forget(volume)
            return "forget \(volume)"
        default:
            let places = (fleet.snapshot.assignments[name] ?? [:]).keys.sorted()
            for place in places where !random.oneIn(3) { fleet.arrive(name, on: place, holding: drawHeld(name)) }
            return "arrive \(name)"
        }
    }

    /// In some seeds, some names are Quadlet files that need one another, in circles too.
    private mutating func drawQuadlet(for name: UnitName) -> (QuadletName, QuadletFacts)? {
        guard quadletWeight > 0, random.oneIn(quadletWeight), let source = try? QuadletName("\(name.stem).container")
        else { return nil }
        var references: Set<QuadletName> = []
        while random.oneIn(2), let other = try? QuadletName("\(random.pick(names).stem).container") {
            references.insert(other)
        }
        let version = random.pick([PodmanVersion(4, 4), PodmanVersion(4, 4), PodmanVersion(5, 0), PodmanVersion(5, 5)])
        let need = PodmanNeed(version, cause: "chance")
        var facts = QuadletFacts(references: references.sorted(), podman: need)
        if random.oneIn(3) { facts.pod = try? QuadletName(random.pick(["p.pod", "q.pod"])) }
        return (source, facts)
    }

    private mutating func drawVolumes() -> [VolumeName] {
        guard volumeWeight > 0 else { return [] }
        return volumes.filter { _ in random.oneIn(volumeWeight + 1) }
    }

    /// What a machine says of a unit's volumes: nothing, or which of them hold data, mostly none.
    private mutating func drawHeld(_ name: UnitName) -> [VolumeName]? {
        guard volumeWeight > 0, let unit = fleet.snapshot.units[name], !random.oneIn(3) else { return nil }
        return fleet.snapshot.stickyVolumes(of: unit).filter { _ in random.oneIn(3) }
    }

    private mutating func drawOptions(for name: UnitName) -> FleetOptions {
        var options = FleetOptions()
        if random.oneIn(relationWeight) { options.conflicts = [drawPattern()] }
        if random.oneIn(relationWeight + 1) { options.replaces = [drawPattern()] }
        if random.oneIn(relationWeight + 1) { options.machineOf = [random.pick(names)] }
        if random.oneIn(8) { options.machineOf.append(random.pick(names)) }
        if random.oneIn(6) { options.metadata = ["region": [MachineText(random.pick(["eu", "us"]))]] }
        if random.oneIn(12) { options.machineID = MachineText(random.pick(machines).short) }
        if random.oneIn(globalWeight) { options.isGlobal = true }
        options.reschedule.trigger = random.pick([.onFailure, .onFailure, .onFailure, .onMachineLoss, .never])
        options.reschedule.limit = random.pick([0, 2, 5])
        options.atMostOnce = random.oneIn(4)
        if volumeWeight > 0, random.oneIn(6) { options.volumePolicy = .lose }
        if secretWeight > 0, random.oneIn(secretWeight) {
            options.credentials = FleetOptions.secrets(random.pick([["s"], ["t"], ["s", "t"]])).credentials
            options.onChange = random.pick([.nothing, .reload, .restart])
        }
        return options
    }

    private mutating func drawPattern() -> UnitPattern {
        if random.oneIn(3) { return UnitPattern(random.pick(["*", "web@*", "?.service", "[a-c].service", "nobody"])) }
        return UnitPattern(random.pick(names).description)
    }
}

extension FleetOptions {
    /// What differs from the defaults, as `[X-Fleet]` would have it.
    var words: String {
        var words: [String] = []
        if let machineID { words.append("MachineID=\(machineID)") }
        words += machineOf.map { "MachineOf=\($0)" }
        for (key, values) in metadata.sorted(by: { $0.key < $1.key }) {
            words += values.sorted().map { "MachineMetadata=\(key)=\($0)" }
        }
        words += conflicts.map { "Conflicts=\($0)" } + replaces.map { "Replaces=\($0)" }
        if isGlobal { words.append("Global=yes") }
        if reschedule.trigger != .onFailure { words.append("Reschedule=\(reschedule.trigger.rawValue)") }
        if reschedule.limit != 5 { words.append("RescheduleLimit=\(reschedule.limit)") }
        if atMostOnce { words.append("AtMostOnce=yes") }
        if let volumePolicy { words.append("VolumePolicy=\(volumePolicy.rawValue)") }
        return words.joined(separator: " ")
    }
}
