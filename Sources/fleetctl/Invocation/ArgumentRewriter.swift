import ArgumentParser

/// Turns what fleet's command line accepted into what ArgumentParser accepts:
/// - a command may be shortened to any unambiguous prefix,
/// - global options may stand before the command,
/// - boolean flags may have a value (`--no-legend=true`), and `--l`, `--f`, `--A` are `-l`, `-f`, `-A`.
struct ArgumentRewriter {
    /// Names that `help` shows.
    var commands: [String]
    /// Names that are accepted in full only.
    var hiddenCommands: [String]
    /// Global options that take a value, with their dashes.
    var valued: Set<String>
    /// Flags of any command that take none, with their dashes.
    var flags: Set<String>

    /// Throws a usage `Failure` for an unknown or ambiguous command and for a flag value that is not a boolean.
    func rewrite(_ arguments: [String]) throws(Failure) -> [String] {
        if let first = arguments.first, first == "--version" || first == "-v" {
            return ["version"] + arguments.dropFirst()
        }
        // ArgumentParser's own; the shell's name after it is not a command.
        if let first = arguments.first, first.hasPrefix("--generate-completion-script") { return arguments }
        let arguments = try plainFlags(arguments)
        guard let position = commandPosition(arguments) else { return arguments }
        let command = try resolve(arguments[position])
        var rest = Array(arguments[(position + 1)...])
        if command == "help", let topic = rest.first, !topic.hasPrefix("-") {
            rest[0] = try resolve(topic)
        }
        return [command] + arguments[..<position] + rest
    }

    /// The first argument that is neither an option nor the value of a global one.
    private func commandPosition(_ arguments: [String]) -> Int? {
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if argument == "--" || argument == "--help" || argument == "-h" { return nil }
            if !argument.hasPrefix("-") { return index }
            index += valued.contains(argument) ? 2 : 1
        }
        return nil
    }

    private func resolve(_ name: String) throws(Failure) -> String {
        if commands.contains(name) || hiddenCommands.contains(name) { return name }
        let candidates = commands.filter { $0.hasPrefix(name) && !name.isEmpty }
        if let only = candidates.first, candidates.count == 1 { return only }
        if candidates.isEmpty {
            throw .usage("unknown command \"\(name)\"; 'fleetctl help' lists the commands")
        }
        throw .usage("command \"\(name)\" is ambiguous: \(candidates.joined(separator: ", "))")
    }

    /// `--flag=true` becomes `--flag` and `--flag=false` nothing; fleet's accidental `--l` becomes `-l`.
    private func plainFlags(_ arguments: [String]) throws(Failure) -> [String] {
        var plain: [String] = []
        for (index, argument) in arguments.enumerated() {
            if argument == "--" {
                plain += arguments[index...]
                break
            }
            guard let equals = argument.firstIndex(of: "="), flags.contains(Self.short(String(argument[..<equals])))
            else {
                plain.append(Self.short(argument))
                continue
            }
            let flag = Self.short(String(argument[..<equals]))
            let value = String(argument[argument.index(after: equals)...])
            guard let isOn = Boolean(value) else {
                throw .usage("invalid value \"\(value)\" for \(flag): it is true or false")
            }
            if isOn.value { plain.append(flag) }
        }
        return plain
    }

    private static func short(_ flag: String) -> String {
        switch flag {
        case "--l": "-l"
        case "--f": "-f"
        case "--A": "-A"
        case "--h": "-h"
        default: flag
        }
    }
}

/// A truth value as Go's `strconv.ParseBool` reads it, which fleet's flags used.
struct Boolean: Hashable {
    var value: Bool

    init?(_ text: String) {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": value = true
        case "0", "f", "F", "false", "FALSE", "False": value = false
        default: return nil
        }
    }
}

extension ArgumentRewriter {
    /// The rewriter for fleetctl's own commands.
    static let fleetctl = ArgumentRewriter(
        commands: Fleetctl.commands.filter { $0.configuration.shouldDisplay }.map { $0._commandName } + ["help"],
        hiddenCommands: Fleetctl.commands.filter { !$0.configuration.shouldDisplay }.map { $0._commandName },
        valued: ["--endpoint", "--request-timeout"],
        flags: [
            "--debug", "--no-legend", "--full", "-l", "--follow", "-f", "--replace", "--sign", "--no-block",
            "--json", "--all", "-A", "--forward-agent",
        ]
    )
}
