import FleetModel
import UnitFile

/// `MachineOf=`: every named unit is on the machine, or was put there earlier in the same plan. A global unit counts
/// where it is. When the named unit moves this one follows, because its machine is no longer eligible.
///
/// Units that wait for each other are never placed: neither can be first.
enum MachineOfConstraint {
    static func reason(_ unit: Unit, on host: Host, in world: World) -> IneligibleReason? {
        for peer in unit.options.machineOf.sorted() where peer == unit.name || !host.units.contains(peer) {
            let places = peer == unit.name ? [] : world.machines(of: peer)
            if !places.isEmpty { return .peerElsewhere(peer, places) }
            if let chain = cycle(from: unit.name, through: peer, in: world) { return .peerCycle(chain) }
            return world.snapshot.units[peer] == nil ? .peerUnknown(peer) : .peerUnplaced(peer)
        }
        return nil
    }

    /// The shortest chain `unit, peer, ...` in which each is `MachineOf=` the next and the last is of `unit`.
    private static func cycle(from unit: UnitName, through peer: UnitName, in world: World) -> [UnitName]? {
        guard peer != unit else { return [unit] }
        var reached: Set<UnitName> = [peer]
        var paths: [[UnitName]] = [[unit, peer]]
        while !paths.isEmpty {
            var longer: [[UnitName]] = []
            for path in paths {
                guard let last = path.last, let options = world.snapshot.units[last]?.options else { continue }
                for next in options.machineOf.sorted() {
                    if next == unit { return path }
                    if reached.insert(next).inserted { longer.append(path + [next]) }
                }
            }
            paths = longer
        }
        return nil
    }
}
