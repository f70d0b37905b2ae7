import ArgumentParser

/// `list-units`: the states that machines report.
struct ListUnits: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-units",
        abstract: "List the state of units on their machines."
    )

    @OptionGroup var options: ListOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        // A mistake in the fields is told before anybody is asked.
        _ = try UnitTable.listing.columns(of: options.fields)
        let listing = try APIClient(global, in: context).units()
        if options.json {
            context.console.print(try JSONText.document(listing))
        } else {
            let rows = UnitTable.rows(listing)
            let columns = try UnitTable.listing(of: rows).columns(of: options.fields)
            context.console.write(UnitTable.listing.render(rows, columns: columns, layout: options.layout(in: context)))
        }
        return ExitStatus.success
    }
}
