import ArgumentParser
import FleetAPI

/// `forget`: ends the listing of machines that do not come back.
struct Forget: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Forget machines that are lost and do not come back, with their labels, orders and listed volumes.",
        discussion: """
            A lost machine is listed until it is back. One that is present, or that has units still, is not forgotten. A
            machine that comes back all the same is one of the fleet again.
            """
    )

    @Argument(help: ArgumentHelp("Machines.", valueName: "machine"))
    var machines: [String] = []

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let request = MachineOrderRequest(action: .forget, machines: machines)
        return try OrderCommand(global: global, context: context).run(request)
    }
}
