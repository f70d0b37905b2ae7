import FleetModel
import UnitFile

/// Where a unit may be, straight from the definitions (the options of fleet, and what fleet made of their defects),
/// by looking at everything: the planner's code has no part in it.
struct FinalPlacement {
    let state: FinalState
    let specs: [UnitName: UnitSpec]
    let machines: [SimMachine]

    init(_ state: FinalState, _ world: SimWorld, _ machines: [SimMachine]) {
        self.state = state
        self.machines = machines
        specs = state.intents.compactMapValues { world.specs[$0.file] }
    }

    /// nil when `unit` may be on the machine beside those who are there. A unit that is there already yields in a
    /// conflict to names that sort before its own only.
    func objection(to unit: UnitName, _ spec: UnitSpec, on machine: SimMachine, isThere: Bool) -> String? {
        guard state.present.contains(machine.index) else { return "m\(machine.index) is not present" }
        if !isThere, let orders = state.orders[machine.index], orders.cordoned != nil || orders.draining != nil {
            return "it takes no newcomer"
        }
        if let id = spec.machineID, id != machine.id { return "MachineID" }
        if !spec.zones.isEmpty {
            guard let zone = state.zone(of: machine), spec.zones.contains(zone) else { return "MachineMetadata" }
        }
        if state.refusals.contains(WorldChecks.Place(unit: unit, machine: machine.index)) { return "refused" }
        if let volume = spec.volume, let home = state.volumes[volume], home != machine.index {
            return "\(volume) is on m\(home)"
        }
        let here = state.units(on: machine.index)
        for peer in spec.machineOf where !here.contains(peer) || peer == unit { return "MachineOf \(peer)" }
        for other in here where other != unit {
            let others = specs[other] ?? UnitSpec()
            if others.replaces.contains(where: { Self.matches($0, unit) }), !depends(other, on: unit) {
                return "replaced by \(other)"
            }
            if isThere, unit < other { continue }
            if spec.conflicts.contains(where: { Self.matches($0, other) })
                || others.conflicts.contains(where: { Self.matches($0, unit) })
            {
                return "conflict with \(other)"
            }
        }
        return nil
    }

    static func matches(_ pattern: String, _ unit: UnitName) -> Bool {
        guard pattern.hasSuffix("*") else { return pattern == unit.description }
        return unit.description.hasPrefix(String(pattern.dropLast()))
    }

    /// Whether the place of `unit` follows, over any number of steps, from that of `other`: by being with it, or by
    /// making room for it. A replacement of what one depends on does not count.
    private func depends(_ unit: UnitName, on other: UnitName) -> Bool {
        var reached: Set<UnitName> = []
        var open = [unit]
        while let next = open.popLast() {
            guard reached.insert(next).inserted else { continue }
            if next == other, next != unit { return true }
            open += specs[next]?.machineOf ?? []
            for (replacer, spec) in specs
            where replacer != next && spec.replaces.contains(where: { Self.matches($0, next) }) {
                open.append(replacer)
            }
        }
        return false
    }
}
