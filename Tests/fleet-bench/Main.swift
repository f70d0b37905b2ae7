import ArgumentParser
import Lab

/// Measures, each figure beside its reference in the same run.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-bench",
        abstract: "Measures fleet beside its references.",
        subcommands: [All.self, Store.self, OnMachine.self, OnEtcd.self, OfContainers.self],
        defaultSubcommand: All.self
    )
}

/// Everything, as docs/benchmarks.md shows it.
struct All: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "All figures.")

    func run() async throws {
        try await OnMachine.measure()
        try await OnEtcd.measure()
        try await OfContainers.measure()
        for row in try await StoreBenchmark.run(in: ".") { print(row) }
    }
}

/// The embedded registry.
struct Store: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Durable writes of the embedded registry.")

    @Option(help: "Where to write: the file system decides what a sync costs.")
    var directory = "."

    func run() async throws {
        for row in try await StoreBenchmark.run(in: directory) { print(row) }
    }
}

/// fleet beside systemd on one booted machine.
struct OnMachine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine",
        abstract: "fleet beside plain systemd on a booted machine."
    )

    func run() async throws { try await Self.measure() }

    static func measure() async throws {
        try await Lab.with { lab in
            let machine = try await lab.boot("bench")
            try await machine.install(DebPackage.built())
            let benchmarks = MachineBenchmarks(machine: machine)
            try await benchmarks.prepare()
            print(Figure.header)
            for figure in try await benchmarks.startUp() { print(figure.row) }
            for figure in try await benchmarks.startLatency() { print(figure.row) }
            for figure in try await benchmarks.instances() { print(figure.row) }
            print(try await benchmarks.memory(100, limit: 25).row)
            for figure in try await benchmarks.idle() { print(figure.row) }
            print(try await benchmarks.memory(1000, limit: 30).row)
        }
    }
}

/// A fleet of three machines beside plain systemd on them.
struct OnEtcd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "etcd",
        abstract: "Three booted machines with three members of etcd, beside plain systemd on them."
    )

    func run() async throws { try await Self.measure() }

    static func measure() async throws {
        try await Lab.with { lab in
            let benchmarks = try await EtcdBenchmarks.boot(in: lab)
            print(Figure.header)
            for figure in try await benchmarks.startElsewhere() { print(figure.row) }
            for figure in try await benchmarks.manyUnits() { print(figure.row) }
            for figure in try await benchmarks.atRest() { print(figure.row) }
            for figure in try await benchmarks.powerCut() { print(figure.row) }
            for figure in try await benchmarks.failures() { print(figure.row) }
        }
    }
}

/// Containers on three machines beside plain Quadlet units there.
struct OfContainers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "containers",
        abstract: "Three booted machines with podman, beside plain Quadlet units on them, and Docker Swarm."
    )

    func run() async throws { try await Self.measure() }

    static func measure() async throws {
        try await Lab.with { lab in
            let benchmarks = try await ContainerBenchmarks.boot(in: lab)
            print(Figure.header)
            for figure in try await benchmarks.createToRunning() { print(figure.row) }
            for figure in try await benchmarks.many() { print(figure.row) }
            for figure in try await benchmarks.killedByItsCheck() { print(figure.row) }
            for figure in try await benchmarks.memory() { print(figure.row) }
        }
        // By themselves, on the same kind of machines.
        try await Lab.with { lab in
            let benchmarks = try await SwarmBenchmarks.boot(in: lab)
            for figure in try await benchmarks.createToRunning() { print(figure.row) }
            for figure in try await benchmarks.many() { print(figure.row) }
        }
    }
}
