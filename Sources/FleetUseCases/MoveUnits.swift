import FleetModel
import FleetPlanner
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// Stores the wish that the unit be on `machine`; the engine fulfils it. Whether the machine may have the unit is
    /// the planner's own answer, so what is accepted here is carried out unless something changes meanwhile.
    ///
    /// `losing`: the units that go without the data of their volumes; nil when none may.
    mutating func move(_ name: UnitName, to machine: MachineID, losing: Set<UnitName>? = nil) {
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
        if let losing, let message = sharing(unit, to: machine, besides: losing) {
            return refuse(name, .conflict, message)
        }
        let hasVolumes = !snapshot.stickyVolumes(of: unit).isEmpty
        let wish = MoveWish(to: machine, losesVolumes: losing != nil && hasVolumes ? true : nil, set: user)
        var wished = snapshot
        wished.moves[name] = wish
        if !places.contains(machine), let reason = Eligibility.explain(unit, in: wished, now: user.at)[machine] {
            return refuse(name, .conflict, "\(name) cannot be moved to \(place): \(reason)")
        }
        guard snapshot.moves[name]?.to != machine || snapshot.moves[name]?.losesVolumes != wish.losesVolumes else {
            effects[name] = .unchanged(unit.generation)
            return
        }
        var writes = Writes(unit: name, compares: isUnchanged(name))
        writes.compares.append(compare(key, with: snapshot.moveRevisions[name]))
        writes.operations = [put(key, wish)]
        let without = wish.losesVolumes == true ? ", without the data of its volumes," : ""
        writes.operations += event(.moveAsked, of: name, "move to \(place)\(without) asked for")
        write(writes)
        effects[name] = .changed(unit.generation)
    }

    /// Who leaves a volume behind leaves it behind for all that share it, so all have to be named.
    private func sharing(_ unit: Unit, to machine: MachineID, besides names: Set<UnitName>) -> String? {
        for volume in snapshot.stickyVolumes(of: unit) where snapshot.volumeHomes[volume]?.machine != machine {
            let others = snapshot.units.values.filter { other in
                other.target.state > .inactive && !names.contains(other.name)
                    && snapshot.stickyVolumes(of: other).contains(volume)
            }
            guard !others.isEmpty else { continue }
            let listed = others.map(\.name).sorted().map(\.description).joined(separator: ", ")
            return "\(unit.name) shares its volume \(volume) with \(listed): name them all in one command, "
                + "or stop the others"
        }
        return nil
    }
}
