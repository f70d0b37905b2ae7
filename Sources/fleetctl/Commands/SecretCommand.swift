import ArgumentParser
import FleetAPI
import FleetModel
import UnitFile

/// `secret`: what the registry keeps for units, sealed, and nobody may read.
struct SecretCommand: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret",
        abstract: "Keep, list and remove the secrets that units ask for with Secret=; make and change their keys.",
        discussion: """
            'secret set NAME FILE' keeps a file's bytes (- is standard input), 'secret list' shows what there is without \
            showing it, 'secret remove NAME...' removes those that no unit asks for. 'secret key new' prints a new line \
            for the file with the keys, 'secret rotate' seals everything under the first key of that file.
            """
    )

    @Argument(help: ArgumentHelp("set, list, remove, key new or rotate, with what it needs.", valueName: "action"))
    var words: [String] = []

    @OptionGroup var options: ListOptions

    @OptionGroup var global: GlobalOptions

    private static let actions = "'set NAME FILE', 'list', 'remove NAME...', 'key new' and 'rotate'"

    func run(in context: Context) throws -> Int32 {
        let names = Array(words.dropFirst())
        if words == ["key", "new"] {
            context.console.print(SecretKeyLine.new())
            return ExitStatus.success
        }
        let client = try APIClient(global, in: context)
        let actions = CredentialActions(kind: .secret, client: client, context: context)
        switch words.first {
        case "set": try actions.set(names)
        case "list" where names.isEmpty: try actions.list(options)
        case "remove": try actions.remove(names)
        case "rotate" where names.isEmpty:
            let report = try client.rotateSecrets()
            let key = report.key.map { " under the key \($0)" } ?? ""
            context.console.print(
                report.sealed == 0 ? "Nothing to do: all secrets are sealed\(key)" : "Sealed \(report.sealed)\(key)"
            )
            for machine in report.absent ?? [] {
                context.console.print(
                    "\(machine.short) is not present and has units with secrets: give it the key before it is back, and "
                        + "leave it the old one"
                )
            }
        case "cat":
            throw Failure.usage("a secret is never shown: the machines that start its units open it, nobody else")
        case let word?: throw Failure.usage("secret knows \(Self.actions), not \"\(word.printable())\" like this")
        case nil: throw Failure.usage("secret needs one of \(Self.actions)")
        }
        return ExitStatus.success
    }
}
