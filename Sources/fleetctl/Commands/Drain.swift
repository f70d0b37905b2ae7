import ArgumentParser
import FleetAPI
import FleetModel

/// `drain`: lets the units of machines go elsewhere.
struct Drain: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Move the units of machines elsewhere, and let the machines take no more.",
        discussion: """
            A unit is started elsewhere before it is stopped here, unless it is AtMostOnce=yes. The command waits until
            every unit has left, and says of those that cannot why. 'fleetctl uncordon' ends a drain.
            """
    )

    @Argument(help: ArgumentHelp("Machines.", valueName: "machine"))
    var machines: [String] = []

    @Option(help: ArgumentHelp("Then stop what is left, wherever it may go (5min, 90s).", valueName: "span"))
    var deadline: String?

    @Flag(name: .customLong("no-block"), help: "Return as soon as the order is stored.")
    var noBlock = false

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let request = MachineOrderRequest(
            action: .drain,
            machines: machines,
            deadline: try milliseconds(),
            wait: !noBlock
        )
        return try OrderCommand(global: global, context: context).run(request)
    }

    private func milliseconds() throws(Failure) -> Int64? {
        guard let deadline else { return nil }
        switch TimeSpan.parse(deadline) {
        case .finite(let span): return span.milliseconds
        case .infinite: return nil
        case nil: throw .usage("invalid --deadline \"\(deadline)\": it is a time span such as 5min or 90s")
        }
    }
}
