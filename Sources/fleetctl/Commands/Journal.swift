import ArgumentParser

/// `journal`: a unit's output, from the journal of its machine.
struct Journal: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Print the journal of a unit.",
        discussion: "The lines come from the machine where the unit is, through fleetd."
    )

    @Argument(help: ArgumentHelp("Name of a unit.", valueName: "unit"))
    var units: [String] = []

    @Option(name: [.long, .customShort("n")], help: ArgumentHelp("How many of the newest lines.", valueName: "n"))
    var lines: Int = 10

    @Flag(name: [.long, .customShort("f")], help: "Go on with new lines as they come.")
    var follow = false

    @Option(
        name: [.long, .customShort("o")],
        help: ArgumentHelp("short, cat (the message only) or json (one object per line).", valueName: "mode")
    )
    var output: JournalMode = .short

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard lines >= 0 else { throw ValidationError("--lines is 0 or more.") }
    }

    func run(in context: Context) throws -> Int32 {
        guard let unit = try UnitArgument.all(units).first, units.count == 1 else {
            throw Failure.usage("One unit must be provided.")
        }
        context.onInterrupt(.nothing)
        try APIClient(global, in: context).journal(of: unit.stored, lines: lines, follow: follow) { line in
            context.console.write(try output.text(line, zone: context.zone))
        }
        return ExitStatus.success
    }
}

extension JournalMode: ExpressibleByArgument {}
