import ArgumentParser

/// `list-unit-files`: the units in the registry.
struct ListUnitFiles: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-unit-files",
        abstract: "List the units in the registry."
    )

    @OptionGroup var options: ListOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let columns = try UnitFileTable.listing.columns(of: options.fields)
        let listing = try APIClient(global, in: context).units()
        if options.json {
            context.console.print(try JSONText.document(listing))
        } else {
            let rows = UnitFileTable.rows(listing)
            context.console.write(
                UnitFileTable.listing.render(rows, columns: columns, layout: options.layout(in: context))
            )
        }
        return ExitStatus.success
    }
}
