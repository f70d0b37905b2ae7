/// fleet's global options that have no meaning here. One that would make the command act on another fleet than the user
/// meant is refused; one without influence on the result is accepted, with a warning where the user may rely on it.
///
/// They are taken out of the arguments before ArgumentParser sees them: fourteen declarations that nobody uses would
/// take longer than the request to fleetd.
struct RetiredOptions: Hashable, Sendable {
    /// Options with a value that still matter for a message.
    private static let explained = [
        "driver", "tunnel", "ca-file", "cert-file", "key-file", "etcd-cafile", "etcd-certfile", "etcd-keyfile",
        "etcd-key-prefix",
    ]
    /// Options with a value that are passed over in silence: without `--tunnel` they never had an effect.
    private static let ignored = ["ssh-username", "ssh-timeout", "ssh-port", "known-hosts-file"]
    /// The same, without a value of their own.
    private static let ignoredFlags = ["experimental-api", "strict-host-key-checking", "sudo"]

    private var values: [String: String] = [:]

    /// Takes the retired options out of `arguments`. Throws a usage `Failure` when a value is missing.
    init(takenFrom arguments: inout [String]) throws(Failure) {
        var kept: [String] = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--" {
                kept += arguments[(index - 1)...]
                break
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard argument.hasPrefix("--"), let name = parts.first?.dropFirst(2) else {
                kept.append(argument)
                continue
            }
            if Self.ignoredFlags.contains(String(name)) { continue }
            guard Self.explained.contains(String(name)) || Self.ignored.contains(String(name)) else {
                kept.append(argument)
                continue
            }
            if parts.count == 2 {
                values[String(name)] = String(parts[1])
            } else {
                guard index < arguments.count else { throw .usage("missing value for '--\(name) <\(name)>'") }
                values[String(name)] = arguments[index]
                index += 1
            }
        }
        arguments = kept
    }

    init() {}

    /// What to tell the user. Throws for options that cannot be passed over.
    func warnings(_ variables: Variables) throws(Failure) -> [String] {
        func value(_ name: String) -> String? { values[name] ?? variables[name] }
        if let driver = value("driver"), driver.lowercased() != "api" {
            throw .usage(
                "--driver \(driver) is refused: fleetctl speaks to fleetd only, and fleetd to the registry. "
                    + "Leave --driver out and give fleetd's socket with --endpoint"
            )
        }
        if let host = value("tunnel"), !host.isEmpty {
            throw .usage(
                "--tunnel is refused: fleetctl has no SSH client of its own. Forward the socket with "
                    + "ssh -N -L /tmp/fleet.sock:/run/fleet.sock \(host), then use --endpoint unix:///tmp/fleet.sock"
            )
        }
        return Self.explained.compactMap { name in
            guard name != "driver", name != "tunnel", value(name) != nil else { return nil }
            return "--\(name) has no effect: fleetctl speaks to fleetd's unix socket, not to etcd"
        }
    }
}
