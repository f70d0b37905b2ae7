import ArgumentParser
import FleetAPI
import FleetModel
import UnitFile

/// `config`: what the registry keeps for units, and anybody may read.
struct ConfigCommand: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Keep, list, show and remove the configs that units ask for with Config=.",
        discussion: """
            'config set NAME FILE' keeps a file's bytes (- is standard input), 'config list' shows what there is, \
            'config cat NAME' prints one, 'config remove NAME...' removes those that no unit asks for.
            """
    )

    @Argument(help: ArgumentHelp("set, list, cat or remove, with what it needs.", valueName: "action"))
    var words: [String] = []

    @OptionGroup var options: ListOptions

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let client = try APIClient(global, in: context)
        let names = Array(words.dropFirst())
        let actions = CredentialActions(kind: .config, client: client, context: context)
        switch words.first {
        case "set": try actions.set(names)
        case "list" where names.isEmpty: try actions.list(options)
        case "remove": try actions.remove(names)
        case "cat" where names.count == 1:
            try CredentialFile.write(try client.config(try actions.name(names[0])), to: context.output)
        case let word?:
            throw Failure.usage(
                "config knows 'set NAME FILE', 'list', 'cat NAME' and 'remove NAME...', not \"\(word.printable())\" like this"
            )
        case nil: throw Failure.usage("config needs one of 'set NAME FILE', 'list', 'cat NAME' and 'remove NAME...'")
        }
        return ExitStatus.success
    }
}
