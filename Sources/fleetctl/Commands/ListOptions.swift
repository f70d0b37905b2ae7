import ArgumentParser

/// The options of the `list-*` commands.
struct ListOptions: ParsableArguments {
    @Flag(name: [.long, .customShort("l")], help: "Print machine ids and hashes in full.")
    var full = false

    @Flag(name: .customLong("no-legend"), help: "Leave the headers out.")
    var noLegend = false

    @Option(help: ArgumentHelp("Columns to print, in this order, separated by commas.", valueName: "fields"))
    var fields: String?

    @Flag(help: "Print one JSON document with everything.")
    var json = false

    func layout(in context: Context) -> Layout {
        Layout(isFull: full, hasLegend: !noLegend, zone: context.zone, now: context.now())
    }
}
