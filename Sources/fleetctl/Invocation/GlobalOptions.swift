import ArgumentParser

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Socket of fleetd (default: unix:///run/fleet.sock).", valueName: "url"))
    var endpoint: String?

    @Option(
        name: .customLong("request-timeout"),
        help: ArgumentHelp("Give up when fleetd has not answered for so long (default: 30).", valueName: "seconds")
    )
    var requestTimeout: String?

    @Flag(help: "Say on standard error what is asked of fleetd.")
    var debug = false

    /// Applies the environment (`FLEETCTL_NAME`; the command line wins, empty is unset) and the defaults.
    func settings(in context: Context) throws(Failure) -> Settings {
        let variables = Variables(context.environment)
        for line in try context.retired.warnings(variables) { context.console.complain("fleetctl: warning: \(line)") }
        let (endpoint, others) = try Endpoint.first(of: endpoint ?? variables["endpoint"] ?? Endpoint.standard)
        if others {
            context.console.complain("fleetctl: warning: only the first endpoint is used")
        }
        var timeout = Settings.standardTimeout
        if let text = requestTimeout ?? variables["request-timeout"] {
            guard let seconds = Double(text), seconds > 0, seconds.isFinite, seconds < 1e9 else {
                throw .usage("invalid --request-timeout \"\(text)\": it is a number of seconds above 0")
            }
            timeout = .seconds(seconds)
        }
        var isDebug = debug
        if let text = variables["debug"] {
            guard let value = Boolean(text) else {
                throw .usage("invalid FLEETCTL_DEBUG \"\(text)\": it is true or false")
            }
            isDebug = isDebug || value.value
        }
        return Settings(endpoint: endpoint, timeout: timeout, isDebug: isDebug)
    }
}

/// The global options with environment and defaults applied.
struct Settings: Hashable, Sendable {
    /// fleet documented 3 s and never applied it to the API; a socket-activated fleetd may need longer than that to
    /// start.
    static let standardTimeout = Duration.seconds(30)

    var endpoint: Endpoint
    var timeout: Duration
    var isDebug: Bool
}

/// The `FLEETCTL_*` variables by the name of the option they stand for; empty ones are unset.
struct Variables {
    private let environment: [String: String]

    init(_ environment: [String: String]) { self.environment = environment }

    subscript(option: String) -> String? {
        let name = "FLEETCTL_" + option.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        guard let value = environment[name], !value.isEmpty else { return nil }
        return value
    }
}

/// Where fleetd listens: a unix socket.
struct Endpoint: Hashable, Sendable {
    static let standard = "unix:///run/fleet.sock"

    var path: String

    /// The first of a comma-separated list, and whether there are more. fleet's API driver used only the first, too.
    static func first(of list: String) throws(Failure) -> (Endpoint, others: Bool) {
        let all = list.split(separator: ",", omittingEmptySubsequences: true)
        guard let first = all.first else { throw .usage("the endpoint is empty; write \(standard)") }
        return (try Endpoint(String(first)), all.count > 1)
    }

    init(_ url: String) throws(Failure) {
        guard let colon = url.firstIndex(of: ":") else {
            throw .usage("URL scheme undefined in endpoint \"\(url)\"; write \(Self.standard)")
        }
        let rest = url[url.index(after: colon)...]
        switch url[..<colon] {
        case "unix", "file":
            guard rest.hasPrefix("///"), rest.count > 3 else {
                throw .usage("endpoint \"\(url)\" needs an absolute path after two slashes: \(Self.standard)")
            }
            path = String(rest.dropFirst(2))
        case "http", "https":
            throw .usage(
                "endpoint \"\(url)\" is refused: this version of fleetd listens on a unix socket only, because it has "
                    + "no way yet to know who speaks on TCP. To reach another machine, forward its socket: "
                    + "ssh -N -L /tmp/fleet.sock:/run/fleet.sock HOST, then --endpoint unix:///tmp/fleet.sock"
            )
        default:
            throw .usage("endpoint \"\(url)\" has an unknown scheme; write \(Self.standard)")
        }
    }
}
