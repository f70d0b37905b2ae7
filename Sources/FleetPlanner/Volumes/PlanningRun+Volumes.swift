import FleetModel
import UnitFile

/// Volumes go where their units are placed, which is written down with the placement.
extension PlanningRun {
    /// The unit is, or comes, where it may be: its volumes are there.
    mutating func claimVolumes(of name: UnitName, on slot: Int) {
        guard snapshot.units[name]?.options.isGlobal == false else { return }
        let volumes = index.volumes.volumes(of: name)
        guard !volumes.isEmpty else { return }
        reconsiderUsers(of: world.claim(volumes, for: name, on: slot), except: name)
    }

    /// Those who wait for a volume may go where they like once its only user has left and said that there is nothing.
    mutating func disclaimVolumes(of name: UnitName, on slot: Int) {
        let volumes = index.volumes.volumes(of: name)
        guard !volumes.isEmpty else { return }
        _ = world.disclaim(volumes, for: name, on: slot)
        reconsiderUsers(of: volumes, except: name)
    }

    private mutating func reconsiderUsers(of volumes: [VolumeName], except name: UnitName) {
        for volume in volumes {
            for user in index.volumes.users(of: volume) where user != name { reconsider(user) }
        }
    }

    /// A machine that is not present may hear of its assignments all the same, and would begin anew with a volume that
    /// is elsewhere, or that another machine may be given meanwhile. Until it is back it goes on with what it has.
    func mayBegin(_ unit: Unit, on machine: MachineID) -> Bool {
        guard unit.target.state == .launched, let slot = index.slots[machine], !world.isPresent(slot) else {
            return true
        }
        return index.volumes.volumes(of: unit.name).allSatisfy { world.home(of: $0) == machine }
    }

    /// Which of the unit's volumes have another home than before, now that it is known where the unit is.
    func volumeDecision(_ name: UnitName) -> Decision? {
        let volumes = index.volumes.volumes(of: name)
        guard !volumes.isEmpty, let slot = world.slots(of: name).first, world.slots(of: name).count == 1,
            world.isPresent(slot)
        else { return nil }
        let machine = index.hosts[slot].id
        var settled: [VolumeName: MachineID?] = [:]
        for volume in volumes where world.home(of: volume) == machine {
            let former = snapshot.volumeHomes[volume]?.machine
            if former != machine { settled.updateValue(former, forKey: volume) }
        }
        guard !settled.isEmpty else { return nil }
        let cause: DecisionReason.Cause
        if settled.values.allSatisfy({ $0 == nil }) {
            cause = .volumesBegin
        } else if VolumeConstraint.givesUp(name, for: machine, in: snapshot) {
            cause = .volumesGivenUp
        } else {
            let areEmpty = settled.allSatisfy { volume, former in
                former.map { snapshot.holdsNothing(volume, of: name, on: $0) } ?? true
            }
            cause = areEmpty ? .volumesEmpty : .volumesShared
        }
        let shared = settled.keys.sorted().filter { volume in
            index.volumes.users(of: volume).contains { $0 != name && world.machines(of: $0).contains(machine) }
        }
        return Decision(
            unit: name,
            action: .settle(settled, shared: shared, on: machine),
            reason: DecisionReason(cause)
        )
    }

    /// Which volumes the unit shares with the one that has brought them where it is. That is known for as long as they
    /// are there, also when the other unit has gone.
    func shareDecision(_ name: UnitName) -> Decision? {
        guard let slot = world.slots(of: name).first, world.slots(of: name).count == 1 else { return nil }
        let machine = index.hosts[slot].id
        let shared = index.volumes.volumes(of: name).filter { volume in
            guard let home = snapshot.volumeHomes[volume], home.machine == machine else { return false }
            return world.home(of: volume) == machine && home.unit != name && home.isShared != true
        }
        guard !shared.isEmpty else { return nil }
        return Decision(unit: name, action: .share(shared, on: machine), reason: DecisionReason(.volumesShared))
    }

    /// Which homes hold nobody any more, because the unit that they are of leaves the data behind now. Kept, they would
    /// bind it to that machine when it keeps to its volumes again, although it has gone on elsewhere.
    func releaseDecision(_ name: UnitName) -> Decision? {
        guard let unit = snapshot.units[name] else { return nil }
        let needless = snapshot.needlessHomes(of: unit) { !index.volumes.users(of: $0).isEmpty }
        let released = needless.reduce(into: [VolumeName: MachineID]()) { $0[$1] = snapshot.volumeHomes[$1]?.machine }
        guard !released.isEmpty else { return nil }
        return Decision(unit: name, action: .release(released), reason: DecisionReason(.volumesReleased))
    }
}
