import FleetSimulator

/// Runs seeds on all processors.
enum Seeds {
    /// The outcomes with a finding.
    static func run(_ all: [SimOptions]) async -> [Simulation.Outcome] {
        await withTaskGroup(of: Simulation.Outcome.self) { group in
            var rest = all[...]
            var findings: [Simulation.Outcome] = []
            func add() {
                guard let next = rest.popFirst() else { return }
                group.addTask { Simulation.run(next) }
            }
            for _ in 0..<4 { add() }
            while let outcome = await group.next() {
                if outcome.finding != nil { findings.append(outcome) }
                add()
            }
            return findings
        }
    }
}
