import ArgumentParser

/// Measures, each figure beside its reference in the same run.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-bench",
        abstract: "Measures fleet beside its references.",
        subcommands: [Store.self]
    )
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
