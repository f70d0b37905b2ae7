import FleetModel
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// A unit that already has the target state is left alone, unless it is launched and has failed: then asking again
    /// means trying again, under a new generation and with its failures forgotten.
    mutating func setTarget(of name: UnitName, to state: TargetState) {
        guard let unit = stored(name) else { return }
        if state != .inactive, name.isTemplate {
            return refuse(name, .invalid, Self.templateMessage(name))
        }
        guard unit.target.state != state || (state == .launched && snapshot.isFailing(name)) else {
            effects[name] = .unchanged(unit.generation)
            return
        }
        if unit.target.state == .launched, state == .loaded, let message = need(of: unit) {
            return refuse(name, .conflict, message)
        }
        let again = unit.target.state == state ? " again" : ""
        writeTarget(of: unit, state, .target, "target state \(state.rawValue) set\(again)")
    }

    /// Why a Quadlet file's unit is not stopped: systemd would stop with it those that need it, and nobody start them
    /// again. One that is unloaded goes on as a part of them.
    private func need(of unit: Unit) -> String? {
        guard let source = unit.intent.source else { return nil }
        let users = snapshot.tied(to: source).filter {
            !named.contains($0) && snapshot.units[$0]?.target.state == .launched
        }
        guard !users.isEmpty else { return nil }
        let names = users.map(\.description).joined(separator: ", ")
        return
            "\(source) is needed by \(names), which should run: stop \(users.count == 1 ? "that unit" : "those units") "
            + "first, or all in one command; unload leaves it to them"
    }

    /// Stopping a unit that is on no machine is a mistake of the user (fleet's rule); unloading it is nothing to do.
    mutating func lower(_ name: UnitName, to state: TargetState) {
        guard let unit = stored(name) else { return }
        if unit.target.state > state { return setTarget(of: name, to: state) }
        if unit.target.state < state {
            let message = "Unable to stop unit \(name) in state \(unit.target.state.rawValue)"
            return refuse(name, .conflict, message)
        }
        effects[name] = .unchanged(unit.generation)
    }

    /// Writes a new target state and forgets the failures; they belong to what was asked for before.
    mutating func writeTarget(
        of unit: Unit,
        _ state: TargetState,
        restart: Bool = false,
        _ kind: UnitEvent.Kind,
        _ message: String
    ) {
        let generation = nextGeneration(of: unit.name)
        let target = UnitTarget(
            state: state,
            generation: generation,
            restart: restart ? generation : unit.target.restart,
            set: user
        )
        var writes = Writes(unit: unit.name, compares: isUnchanged(unit.name))
        writes.operations = [put(.target(unit.name), target), forgetFailures(of: unit.name)]
        writes.operations += event(kind, of: unit.name, message)
        write(writes)
        effects[unit.name] = .changed(generation)
    }

    /// The unit; nil, with the refusal recorded, when it is not stored or cannot be read.
    mutating func stored(_ name: UnitName) -> Unit? {
        if let unit = snapshot.units[name] { return unit }
        if snapshot.unitRevisions[name] != nil {
            let message = "\(name) is stored but cannot be read: destroy it, or submit it again with --replace"
            refuse(name, .conflict, message)
        } else {
            refuse(name, .notFound, "unit \(name) does not exist")
        }
        return nil
    }
}
