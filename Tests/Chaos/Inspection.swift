import Lab

/// What is true on the machines after a storm against what users were told. What runs is systemd's and the kernel's
/// word, not fleet's.
struct Inspection: Sendable {
    let site: Site
    let memory: Memory

    /// What one machine shows.
    private struct View: Sendable {
        var machine: Machine
        var id: String
        var listing: [ListedUnit]
        /// Main processes of our units.
        var processes: [String: Int]
        /// Our units that have any process.
        var services: Set<String>
    }

    struct Result: Sendable {
        var problems: [String] = []
        /// Units that should run and are given up, which is an answer until somebody asks again.
        var givenUp: [String] = []
    }

    func look() async throws -> Result {
        let views = try await concurrently(site.machines) { machine in
            View(
                machine: machine,
                id: try machine.id(),
                listing: try await site.listing(on: machine),
                processes: try await machine.mainProcesses(Workload.patterns),
                services: try await machine.servicesWithProcesses().filter(Workload.isOurs)
            )
        }
        guard let first = views.first else { return Result(problems: ["there are no machines"]) }
        var result = Result()
        for view in views.dropFirst() { result.problems += disagreements(first, view) }
        let listed = Dictionary(uniqueKeysWithValues: first.listing.map { ($0.name, $0) })
        for unit in Workload.units {
            let row = listed[unit.name]
            let possible = await memory.targets(of: unit.name)
            let target = row.flatMap { Memory.Target(rawValue: $0.target) } ?? .absent
            if !possible.contains(target) {
                let told = possible.map(\.rawValue).sorted().joined(separator: " or ")
                result.problems.append("\(unit.name): users were told \(told), and it is \(target.rawValue)")
            }
            let isGivenUp = target == .launched && row?.isGivenUp == true
            if isGivenUp { result.givenUp.append("\(unit.name): \(row?.blocked ?? row?.reschedule ?? "")") }
            let excuse = isGivenUp || waitsForPeer(unit, row, listed)
            result.problems += places(of: unit, target, row, views, isExcused: excuse)
        }
        for view in views { result.problems += strays(view, listed) }
        return result
    }

    // MARK: One rule each

    private func disagreements(_ one: View, _ other: View) -> [String] {
        let left = Set(one.listing.map(\.essence)), right = Set(other.listing.map(\.essence))
        guard left != right else { return [] }
        let names = (one.machine.name, other.machine.name)
        return left.subtracting(right).sorted().prefix(3).map { "\(names.0) lists what \(names.1) does not: \($0)" }
            + right.subtracting(left).sorted().prefix(3).map { "\(names.1) lists what \(names.0) does not: \($0)" }
    }

    /// A unit that is `MachineOf=` one that does not run has nowhere to be, and says so.
    private func waitsForPeer(_ unit: WorkUnit, _ row: ListedUnit?, _ listed: [String: ListedUnit]) -> Bool {
        guard let peer = unit.peer else { return false }
        let isPeerPlaced = listed[peer]?.assigned.isEmpty == false
        return !isPeerPlaced && row?.blocked?.contains(peer) == true
    }

    private func places(
        of unit: WorkUnit,
        _ target: Memory.Target,
        _ row: ListedUnit?,
        _ views: [View],
        isExcused: Bool
    ) -> [String] {
        let found = views.filter { $0.processes[unit.name] != nil }.map(\.machine.name)
        var problems: [String] = []
        guard target == .launched else {
            return found.isEmpty ? [] : ["\(unit.name) is \(target.rawValue) and runs on \(found)"]
        }
        let allowed = views.map(\.machine.name).filter { !unit.needsSSD || Workload.ssd.contains($0) }
        let wanted = unit.kind == .global ? allowed.count : 1
        if found.count > wanted || (found.count < wanted && !isExcused) {
            let said = row?.blocked ?? row?.reschedule ?? "fleet gives no reason"
            problems.append("\(unit.name) should run \(wanted) times and runs on \(found): \(said)")
        }
        for place in found where !allowed.contains(place) {
            problems.append("\(unit.name) may not run on \(place)")
        }
        if let peer = unit.peer {
            // A peer that was stopped is on its machine still, and its follower with it.
            for view in views where view.processes[unit.name] != nil {
                let peerRow = view.listing.first { $0.name == peer }
                guard peerRow?.assigned.contains(where: { $0.id == view.id }) != true else { continue }
                problems.append("\(unit.name) runs on \(view.machine.name), where \(peer) is not")
            }
        }
        if let prefix = unit.conflictsWithin {
            for view in views where view.processes[unit.name] != nil {
                let others = view.processes.keys.filter { $0.hasPrefix(prefix + "@") && $0 > unit.name }
                problems += others.sorted().map { "\(unit.name) and \($0) are both on \(view.machine.name)" }
            }
        }
        return problems
    }

    /// Processes of units that fleet does not have on the machine.
    private func strays(_ view: View, _ listed: [String: ListedUnit]) -> [String] {
        let all = view.services.union(view.processes.keys).sorted()
        return all.filter { listed[$0]?.assigned.contains { $0.id == view.id } != true }
            .map { "\($0) has a process on \(view.machine.name), and fleet does not have it there" }
    }
}
