import ArgumentParser
import FleetAPI

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
            if let since = listing.brakedSince {
                let text = "the brake is on since \(context.zone.full(since)): nothing is moved off lost machines"
                context.console.complain("fleetctl: warning: \(text); see 'fleetctl brake'")
            }
            for row in listing.machines {
                guard let faults = row.faults else { continue }
                let text = "\(faults) units have failed on \(Printable.line(row.machine.nameWithLegend)) lately"
                context.console.complain("fleetctl: warning: \(text) and nowhere else: it is chosen last")
            }
            let rows = MachineTable.rows(listing)
            context.console.write(
                MachineTable.listing.render(rows, columns: columns, layout: options.layout(in: context))
            )
        }
        return ExitStatus.success
    }
}
