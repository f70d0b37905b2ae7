import FleetModel
import FleetPlanner
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// Stores the wish that the unit be on `machine`; the engine fulfils it. Whether the machine may have the unit is
    /// the planner's own answer, so what is accepted here is carried out unless something changes meanwhile.
    mutating func move(_ name: UnitName, to machine: MachineID) {
        guard let unit = stored(name) else { return }
        let place = machine.short
        guard !unit.options.isGlobal else {
            return refuse(name, .invalid, "\(name) is global: it is on every machine that may have it")
        }
        guard unit.target.state > .inactive else {
            return refuse(
                name,
                .conflict,
                "\(name) is on no machine, since its target state is inactive: start it first"
            )
        }
        let places = (snapshot.assignments[name] ?? [:]).keys.sorted()
        let key = RegistryKey.move(name)
        guard places != [machine] || snapshot.moves[name] != nil else {
            effects[name] = .unchanged(unit.generation)
            return
        }
        if !places.contains(machine), let reason = Eligibility.explain(unit, in: snapshot, now: user.at)[machine] {
            return refuse(name, .conflict, "\(name) cannot be moved to \(place): \(reason)")
        }
        guard snapshot.moves[name]?.to != machine else {
            effects[name] = .unchanged(unit.generation)
            return
        }
        var writes = Writes(unit: name, compares: isUnchanged(name))
        writes.compares.append(compare(key, with: snapshot.moveRevisions[name]))
        writes.operations = [put(key, MoveWish(to: machine, set: user))]
        writes.operations += event(.moveAsked, of: name, "move to \(place) asked for")
        write(writes)
        effects[name] = .changed(unit.generation)
    }
}
