import ArgumentParser
import FleetModel
import UnitFile

/// `events`: what happened in the fleet, and why.
struct Events: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Print what happened in the fleet, each event with its cause.",
        discussion: """
            The newest events of all units, or of those that match a pattern, oldest first. With --follow also what \
            becomes of machines: of that nothing is stored.
            """
    )

    @Argument(help: ArgumentHelp("Names of units, or shell patterns such as 'web@*.service'.", valueName: "unit"))
    var units: [String] = []

    @Option(
        name: [.long, .customShort("n")],
        help: ArgumentHelp("How many of the newest stored events, 1000 at most.", valueName: "n")
    )
    var lines: Int = 20

    @Flag(name: [.long, .customShort("f")], help: "Go on with new events as they come.")
    var follow = false

    @Flag(help: "Print one JSON object per line.")
    var json = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (0...1000).contains(lines) else { throw ValidationError("--lines is 0 to 1000.") }
    }

    func run(in context: Context) throws -> Int32 {
        let patterns = try units.map(Self.pattern)
        context.onInterrupt(.nothing)
        try APIClient(global, in: context).events(of: patterns, lines: lines, follow: follow) { event in
            context.console.write(json ? try JSONText.line(event) + "\n" : EventText.line(event, zone: context.zone))
        }
        return ExitStatus.success
    }

    /// A name is completed as everywhere; a pattern is taken as it is.
    private static func pattern(_ argument: String) throws(Failure) -> String {
        guard argument.contains(where: { "*?[".contains($0) }) else {
            return UnitPattern.quoting(try UnitArgument(argument).stored)
        }
        do throws(PatternError) {
            return try UnitPattern(validating: argument).description
        } catch {
            throw .usage("\(error)")
        }
    }
}
