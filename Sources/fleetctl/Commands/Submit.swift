import ArgumentParser
import FleetAPI

/// `submit`: stores units; their target state is inactive.
struct Submit: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Store units in the registry.",
        discussion: """
            A local file of the unit's name is checked and sent. An instance (web@1.service) is made from its template,
            stored or local. Without a type, a name means a service.
            """
    )

    @Argument(help: ArgumentHelp("Names of units, or paths of unit files.", valueName: "unit"))
    var units: [String] = []

    @OptionGroup var files: FileOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try ChangeCommand(global: global, context: context)
            .run(.submit, files: units, files)
    }
}
