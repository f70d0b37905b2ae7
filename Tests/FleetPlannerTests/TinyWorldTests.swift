import FleetModel
import FleetPlanner
import Testing
import UnitFile

/// Every world of up to three machines and three units in which each unit has one of the relations below, through the
/// same short history. Small worlds find most mistakes, and these are all of them.
@Suite struct TinyWorldTests {
    enum Relation: CaseIterable {
        case none, conflictsNext, conflictsAll, replacesNext, replacesBefore, ofNext, ofBefore, pinned, global

        func options(_ own: Int, _ names: [UnitName]) -> FleetOptions {
            let next = names[(own + 1) % 3]
            let before = names[(own + 2) % 3]
            var options = FleetOptions()
            switch self {
            case .none: break
            case .conflictsNext: options.conflicts = [UnitPattern(next.description)]
            case .conflictsAll: options.conflicts = [UnitPattern("*")]
            case .replacesNext: options.replaces = [UnitPattern(next.description)]
            case .replacesBefore: options.replaces = [UnitPattern(before.description)]
            case .ofNext: options.machineOf = [next]
            case .ofBefore: options.machineOf = [before]
            case .pinned: options.machineID = MachineText(machine("a").description)
            case .global: options.isGlobal = true
            }
            return options
        }
    }

    @Test(arguments: Relation.allCases) func allWorlds(first: Relation) throws {
        let names = ["k", "l", "m"].map { unit("\($0).service") }
        for second in Relation.allCases {
            for third in Relation.allCases {
                let relations = [first, second, third]
                for count in 1...3 { try history(names, relations, "abc".prefix(count).map { machine($0) }) }
            }
        }
    }

    private func history(_ names: [UnitName], _ relations: [Relation], _ machines: [MachineID]) throws {
        var fleet = TestFleet()
        for id in machines { fleet.machine(id) }
        for index in [2, 0, 1] {
            fleet.submit(names[index], relations[index].options(index, names))
            try settle(&fleet, "\(relations) on \(machines.count), submit \(index)")
        }
        fleet.fail(names[0], on: machines[0])
        try settle(&fleet, "\(relations) on \(machines.count), a failure")
        fleet.lose(machines[0])
        try settle(&fleet, "\(relations) on \(machines.count), a loss")
        fleet.submit(names[1], relations[2].options(1, names))
        try settle(&fleet, "\(relations) on \(machines.count), another file while a machine is lost")
        fleet.machine(machines[0])
        try settle(&fleet, "\(relations) on \(machines.count), a return")
        fleet.target(names[2], .inactive)
        try settle(&fleet, "\(relations) on \(machines.count), a stop")
    }

    private func settle(_ fleet: inout TestFleet, _ label: String) throws {
        let plan = fleet.plan()
        let findings = PlanAudit.check(plan, fleet.snapshot, now: fleet.now, scope: .everything)
        try #require(findings.isEmpty, "\(label): \(findings)\n\(plan)")
        fleet.apply(plan)
        let again = fleet.plan()
        try #require(again.decisions.isEmpty, "\(label): \(plan)\nand then\n\(again)")
    }
}
