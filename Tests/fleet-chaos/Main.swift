import ArgumentParser
import Chaos
import Glibc
import Lab

/// Random faults on real machines, from the shell.
@main
struct FleetChaos: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-chaos",
        abstract: "Five machines with etcd, users, and faults by a seed.",
        discussion: "Exits with 1 when a promise was broken. The same seed plans the same faults."
    )

    @Option(help: "What the faults are drawn from.")
    var seed: UInt64 = 1

    @Option(help: "How many.")
    var faults = 200

    @Flag(help: "Print the faults of the seed, and boot nothing.")
    var plan = false

    @Flag(help: "Keep the journals of the machines also when nothing is found.")
    var keep = false

    @Option(help: ArgumentHelp("A mistake to be found.", visibility: .hidden))
    var plant: ChaosRun.Plant?

    func validate() throws {
        guard faults > 0 else { throw ValidationError("--faults is a number from 1") }
    }

    func run() async throws {
        let chaos = ChaosRun(seed: seed, count: faults, plant: plant, keeps: keep) { line in
            print(line)
            // Somebody may be reading through a pipe. All streams: `stdout` is a variable that Swift does not trust.
            guard fflush(nil) == 0 else { preconditionFailure("standard output is closed: error \(errno)") }
        }
        if plan {
            for fault in chaos.plan { print(fault) }
            return
        }
        let outcome = try await Lab.with { lab in try await chaos.run(in: lab) }
        if !outcome.findings.isEmpty { throw ExitCode(1) }
    }
}

extension ChaosRun.Plant: ExpressibleByArgument {}
