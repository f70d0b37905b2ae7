import ArgumentParser

/// fleet's global options that have no meaning here. One that would make the command act on another fleet than the user
/// meant is refused; one without influence on the result is accepted, with a warning where the user may rely on it.
struct RetiredOptions: ParsableArguments {
    @Option var driver: String?
    @Flag(name: .customLong("experimental-api")) var experimentalAPI = false
    @Option var tunnel: String?
    @Option(name: .customLong("ssh-username")) var sshUsername: String?
    @Option(name: .customLong("ssh-timeout")) var sshTimeout: String?
    @Flag(name: .customLong("strict-host-key-checking")) var strictHostKeyChecking = false
    @Option(name: .customLong("known-hosts-file")) var knownHostsFile: String?
    @Option(name: .customLong("ca-file")) var caFile: String?
    @Option(name: .customLong("cert-file")) var certFile: String?
    @Option(name: .customLong("key-file")) var keyFile: String?
    @Option(name: .customLong("etcd-cafile")) var etcdCAFile: String?
    @Option(name: .customLong("etcd-certfile")) var etcdCertFile: String?
    @Option(name: .customLong("etcd-keyfile")) var etcdKeyFile: String?
    @Option(name: .customLong("etcd-key-prefix")) var etcdKeyPrefix: String?

    /// What to tell the user. Throws for options that cannot be passed over.
    func warnings(_ variables: Variables) throws(Failure) -> [String] {
        if let driver = driver ?? variables["driver"], driver.lowercased() != "api" {
            throw .usage(
                "--driver \(driver) is refused: fleetctl speaks to fleetd only, and fleetd to the registry. "
                    + "Leave --driver out and give fleetd's socket with --endpoint"
            )
        }
        if let host = tunnel ?? variables["tunnel"], !host.isEmpty {
            throw .usage(
                "--tunnel is refused: fleetctl has no SSH client of its own. Forward the socket with "
                    + "ssh -N -L /tmp/fleet.sock:/run/fleet.sock \(host), then use --endpoint unix:///tmp/fleet.sock"
            )
        }
        let withoutEffect: [(String, String?)] = [
            ("ca-file", caFile), ("cert-file", certFile), ("key-file", keyFile), ("etcd-cafile", etcdCAFile),
            ("etcd-certfile", etcdCertFile), ("etcd-keyfile", etcdKeyFile), ("etcd-key-prefix", etcdKeyPrefix),
        ]
        return withoutEffect.compactMap { name, value in
            guard value ?? variables[name] != nil else { return nil }
            return "--\(name) has no effect: fleetctl speaks to fleetd's unix socket, not to etcd"
        }
    }
}
