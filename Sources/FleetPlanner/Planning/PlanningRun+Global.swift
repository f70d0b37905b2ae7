import FleetModel
import UnitFile

/// Global units: one copy on every eligible machine, each looked at on its own.
extension PlanningRun {
    /// Looks at a global unit on every machine.
    mutating func settleEverywhere(_ name: UnitName) {
        consideredGlobals[name, default: []].formUnion([])
        for slot in world.slotRange { reconsiderGlobal(name, on: slot) }
    }

    /// A machine that is not present keeps what it has: when it comes back, the unit simply goes on.
    mutating func settleGlobal(_ name: UnitName, on slot: Int) {
        guard let unit = snapshot.units[name], phase(of: name) == .global else { return }
        consideredGlobals[name, default: []].insert(slot)
        let host = world.host(slot)
        guard host.isPresent else { return }
        let key = RecordKey(unit: name, scope: .machine(host.id))
        if host.units.contains(name) {
            noteFailure(unit, on: slot, key)
            if hold(unit, key) == .due { retried.insert(key) }
            let isLast = isLeftByOthers(slot) ? IneligibleReason.draining : nil
            guard let reason = Eligibility.reason(unit, on: host, as: .incumbent, in: world) ?? isLast else { return }
            retried.remove(key)
            leave(name, from: slot, because: .ineligible(host.id, reason))
        } else {
            switch hold(unit, key) {
            case .givenUp, .waiting: return
            case .none, .due: break
            }
            guard Eligibility.reason(unit, on: host, as: .newcomer, in: world) == nil else { return }
            if hold(unit, key) == .due { retried.insert(key) }
            let displaced = ReplacesConstraint.displaced(by: unit, on: host, in: world)
            come(name, to: slot, because: .global, displacing: displaced)
        }
    }

    /// A global unit is blocked when it is on no machine at all.
    mutating func noteBlockedGlobals() {
        for name in consideredGlobals.keys where world.slots(of: name).isEmpty {
            guard let unit = snapshot.units[name] else { continue }
            blocked[name] = index.hosts.isEmpty ? .noMachines : .noEligibleMachine(Eligibility.explain(unit, in: world))
        }
    }
}
