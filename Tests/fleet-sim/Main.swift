import ArgumentParser
import FleetSimulator

/// Runs seeds of the simulator from the shell.
@main
struct FleetSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-sim",
        abstract: "A whole fleet under one virtual clock, with faults.",
        discussion: "Exits with 1 when a promise was broken, and says which seed shows it."
    )

    @Option(help: "Run this seed only, and print its options and outcome.")
    var seed: UInt64?

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "How many seeds.")
    var count: UInt64 = 1000

    @Option(name: .customLong("jobs"), help: "How many at once; by default one per processor.")
    var width: Int?

    @Flag(help: "Print everything that happens; with --seed.")
    var trace = false

    @Option(help: "Plant a mistake: \(PlantedBug.allCases.map(\.rawValue).joined(separator: ", ")).")
    var bug: PlantedBug?

    @Flag(help: "The seeds as the tests run them, cut in size; with --bug, as those tests do.")
    var small = false

    @Flag(help: "Go on after a finding.")
    var keepGoing = false

    @Flag(help: "A request without an answer may be carried out seconds later.")
    var lateCommits = false

    @Option(help: "Of a thousand unit files, how many have a health check.")
    var checks = 0

    @Option(help: "Of a thousand unit files, how many keep to data on one machine; drawn from the seed by default.")
    var volumes: Int?

    func run() async throws {
        if let seed {
            let print: ((String) -> Void)? = trace ? { Swift.print($0) } : nil
            let outcome = Simulation.run(options(seed), bug: bug, print: print)
            Swift.print(outcome.options)
            Swift.print(report(outcome))
            if outcome.finding != nil { throw ExitCode(1) }
        } else {
            try await runMany()
        }
    }

    func options(_ seed: UInt64) -> SimOptions {
        var options = small ? .small(seed: seed) : SimOptions(seed: seed)
        if small, let bug { options = bug.scenario(seed: seed) }
        if lateCommits { options.lateCommits = true }
        options.checks = checks
        if let volumes { options.volumes = volumes }
        return options
    }

    private func report(_ outcome: Simulation.Outcome) -> String {
        "seed \(outcome.options.seed): \(outcome.finding.map { "\($0)" } ?? "all is well") "
            + "(\(outcome.events) events in \(outcome.virtualTime), hash \(String(outcome.hash, radix: 16)), "
            + "busiest minute \(outcome.busiest))"
    }
}

extension PlantedBug: ExpressibleByArgument {}
