import ArgumentParser
import FleetSimulator
import Glibc

extension FleetSim {
    /// What many seeds came to.
    private struct Tally {
        var seeds = 0
        var events = 0
        var busiest = [0, 0, 0]
        var findings: [Simulation.Outcome] = []

        mutating func add(_ outcome: Simulation.Outcome) {
            seeds += 1
            events += outcome.events
            busiest = zip(busiest, outcome.busiest).map(max)
            if outcome.finding != nil { findings.append(outcome) }
        }
    }

    /// Every task takes the next seed when it has ended one.
    func runMany() async throws {
        let start = ContinuousClock.now
        let width = self.width ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let tally = await withTaskGroup(of: Simulation.Outcome.self) { group in
            var tally = Tally()
            var next = from
            let end = from + count
            func add() {
                guard next < end else { return }
                let options = self.options(next)
                next += 1
                group.addTask { [bug] in Simulation.run(options, bug: bug) }
            }
            for _ in 0..<width { add() }
            while let outcome = await group.next() {
                tally.add(outcome)
                if outcome.finding != nil { print(replay(outcome)) }
                if outcome.finding == nil || keepGoing { add() }
            }
            return tally
        }
        let seconds = ContinuousClock.now - start
        print(
            "\(tally.seeds) seeds, \(tally.events) events in \(seconds): "
                + "\(Int(Double(tally.seeds) / (seconds / .seconds(1)))) seeds per second; "
                + "busiest minute \(tally.busiest); \(tally.findings.count) with findings"
        )
        if !tally.findings.isEmpty { throw ExitCode(1) }
    }

    private func replay(_ outcome: Simulation.Outcome) -> String {
        let finding = outcome.finding.map { "\($0)" } ?? ""
        let flags =
            (small ? " --small" : "") + (lateCommits ? " --late-commits" : "")
            + (checks > 0 ? " --checks \(checks)" : "") + (volumes.map { " --volumes \($0)" } ?? "")
            + (bug.map { " --bug \($0.rawValue)" } ?? "")
        return "seed \(outcome.options.seed): \(finding)\n"
            + "  replay: fleet-sim --seed \(outcome.options.seed) --trace\(flags)"
    }
}
