import ArgumentParser

/// `list-machines`: the machines of the fleet.
struct ListMachines: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-machines",
        abstract: "List the machines of the fleet."
    )

    @OptionGroup var options: ListOptions

    @Flag(help: .hidden)
    var all = false

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let columns = try MachineTable.listing.columns(of: options.fields)
        let listing = try APIClient(global, in: context).machines()
        if options.json {
            context.console.print(try JSONText.document(listing))
        } else {
            let rows = MachineTable.rows(listing)
            context.console.write(
                MachineTable.listing.render(rows, columns: columns, layout: options.layout(in: context))
            )
        }
        return ExitStatus.success
    }
}
