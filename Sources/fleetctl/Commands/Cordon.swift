import ArgumentParser
import FleetAPI

/// `cordon`: closes machines to newcomers.
struct Cordon: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon",
        abstract: "Let machines take no more units.",
        discussion: """
            They keep what they have. A machine is named by its id, by at least four first digits of it, or by its host
            name; one that is lost can be cordoned too.
            """
    )

    @Argument(help: ArgumentHelp("Machines.", valueName: "machine"))
    var machines: [String] = []

    @Option(help: ArgumentHelp("Why, for whoever reads 'fleetctl why' and 'list-machines'.", valueName: "text"))
    var reason: String?

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let request = MachineOrderRequest(action: .cordon, machines: machines, reason: reason)
        return try OrderCommand(global: global, context: context).run(request)
    }
}

/// `uncordon`: opens machines again.
struct Uncordon: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "uncordon",
        abstract: "Let machines take units again; ends a drain too."
    )

    @Argument(help: ArgumentHelp("Machines.", valueName: "machine"))
    var machines: [String] = []

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let request = MachineOrderRequest(action: .uncordon, machines: machines)
        return try OrderCommand(global: global, context: context).run(request)
    }
}
