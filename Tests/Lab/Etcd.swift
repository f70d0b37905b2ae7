import FoundationEssentials

/// An etcd cluster with its members on machines of a lab, one on each, as people run it: a member that dies with its
/// machine is the real case.
///
/// Like a machine, the value is only a list of names: what is true is asked of the machines. Each member is a service
/// `etcd.service` there, with its data on the machine's disk, so it comes back after a power cut.
package struct Etcd: Sendable {
    package let members: [Machine]

    /// The release of etcd the members run; it is static, so any machine runs it.
    private let release: Debian

    private static let unitPath = "/etc/systemd/system/etcd.service"
    private static let settingsPath = "/etc/default/etcd"
    private static let dataPath = "/var/lib/etcd"

    /// `exec`, not `notify`: a member is ready only when there is a quorum, and a machine's boot must not wait for
    /// other machines. Systemd starts it again whatever ends it, because a test stops it with `stop` when it means so.
    private static let unit = """
        [Unit]
        Description=etcd
        StartLimitIntervalSec=0
        [Service]
        Type=exec
        EnvironmentFile=\(settingsPath)
        ExecStart=/usr/local/bin/etcd
        Restart=always
        RestartSec=300ms
        LimitNOFILE=65536
        [Install]
        WantedBy=multi-user.target
        """

    package init(members: [Machine], release: Debian = .trixie) {
        self.members = members
        self.release = release
    }

    /// Installs and starts a member on each machine; returns when the cluster takes writes.
    package func start() async throws {
        let cluster = Etcd.initialCluster(members)
        try await concurrently(members) { member in
            try await install(on: member, cluster: cluster, state: "new")
        }
        try await waitUntilWritable()
    }

    /// What `etcd_servers` in fleet.conf says.
    package var endpoints: String { members.map { Etcd.clientURL($0) }.joined(separator: ",") }

    /// Lines of fleet.conf for a machine that uses this cluster.
    package var settings: String { "registry = etcd\netcd_servers = \(endpoints)\n" }

    // MARK: What happens to members

    /// An orderly stop, until `resume`.
    package func stop(_ member: Machine) async throws { try await member.shell("systemctl stop etcd.service") }

    package func resume(_ member: Machine) async throws { try await member.shell("systemctl start etcd.service") }

    /// SIGKILL; systemd starts it again.
    package func kill(_ member: Machine) async throws { try await signal("KILL", member) }

    /// SIGSTOP: the member hangs with its connections open.
    package func pause(_ member: Machine) async throws { try await signal("STOP", member) }

    package func unpause(_ member: Machine) async throws { try await signal("CONT", member) }

    private func signal(_ name: String, _ member: Machine) async throws {
        try await member.shell("systemctl kill --signal=\(name) etcd.service")
    }

    /// Gives up a member with its data and puts a new one in its place, as after the loss of a disk.
    package func replace(_ member: Machine) async throws {
        let others = members.filter { $0.name != member.name }
        guard let other = others.first else { throw LabError("a cluster of one has nobody to replace it") }
        let list = try await control(["member", "list"], on: other)
        // 8e9e05c52164694d, started, m1, http://10.90.0.2:2380, http://10.90.0.2:2379, false
        guard
            let id = list.lines.map({ $0.split(separator: ",").map { $0.drop { $0 == " " } } })
                .first(where: { $0.count > 2 && $0[2] == member.name })?.first
        else { throw LabError("\(member.name) is no member: \(list)") }
        try await stop(member)
        try await control(["member", "remove", String(id)], on: other)
        try await member.shell("rm -rf \(Etcd.dataPath)")
        // With one member of three gone, a quorum is two of two; the next change has to wait until both agree on that.
        try await eventually("the cluster takes a new member", within: .seconds(30)) {
            _ = try await control(["member", "add", member.name, "--peer-urls=\(Etcd.peerURL(member))"], on: other)
        }
        try await configure(member, cluster: Etcd.initialCluster(members), state: "existing")
        try await resume(member)
        try await waitUntilWritable()
    }

    // MARK: Questions

    /// The member that leads etcd's own consensus. Its loss costs an election, and etcd's new leader starts the time
    /// of every lease again.
    package func leader() async throws -> Machine {
        try await eventually("etcd has a leader", within: .seconds(30)) {
            for member in members where member.isRunning {
                let status = try await control(["endpoint", "status"], on: member, patience: .seconds(5))
                // http://127.0.0.1:2379, 8e9e05c52164694d, 3.5.16, 20 kB, true, false, 2, 8, 8,
                let cells = status.standardOutput.split(separator: ",").map { $0.drop { $0 == " " } }
                if cells.count > 4, cells[4] == "true" { return member }
            }
            throw NotYet("no member says that it leads")
        }
    }

    /// Makes a member lead etcd's consensus, so that a test knows which election it causes.
    package func makeLeader(_ member: Machine) async throws {
        let now = try await leader()
        guard now.name != member.name else { return }
        let status = try await control(["endpoint", "status"], on: member)
        let cells = status.standardOutput.split(separator: ",").map { $0.drop { $0 == " " } }
        guard cells.count > 1 else { throw LabError("etcdctl printed \(status)") }
        try await control(["move-leader", String(cells[1])], on: now)
    }

    /// The value of a key, or nil when there is none.
    package func value(_ key: String, on member: Machine? = nil) async throws -> String? {
        let answer = try await control(["get", "--print-value-only", key], on: member)
        return answer.standardOutput.isEmpty ? nil : answer.standardOutput
    }

    /// etcdctl on a member's machine, asking that member; without one, the first whose machine runs.
    @discardableResult
    package func control(
        _ arguments: [String],
        on member: Machine? = nil,
        patience: Duration = .seconds(20)
    ) async throws -> CommandResult {
        guard let member = member ?? members.first(where: \.isRunning) else { throw LabError("no member runs") }
        let command = ["env", "ETCDCTL_API=3", "/usr/local/bin/etcdctl", "--endpoints=\(Etcd.clientURL(member))"]
        return try await member.run(command + arguments, limit: patience).checked()
    }

    /// Returns once a write is taken: there is a quorum with a leader.
    package func waitUntilWritable() async throws {
        try await eventually("etcd takes writes", within: .seconds(60)) {
            _ = try await control(["put", "lab/ready", "yes"], patience: .seconds(5))
        }
    }

    /// Returns once every member is connected with every other, by its own word: another one may be lost then. Members
    /// that could not reach each other for a while take up to ten seconds for that, and are a quorum before.
    package func waitUntilWhole() async throws {
        let read = """
            exec 3<>/dev/tcp/127.0.0.1/2379 && printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3
            grep -c '^etcd_network_active_peers{.* 1$' <&3 || true
            """
        for member in members {
            try await eventually("etcd on \(member.name) reaches the others", within: .seconds(60)) {
                let count = try await member.run(["bash", "-c", read], limit: .seconds(5)).checked()
                guard count.lines.first.map(String.init) == String(members.count - 1) else { throw NotYet("\(count)") }
            }
        }
    }

    // MARK: Files of a member

    private func install(on member: Machine, cluster: String, state: String) async throws {
        for program in ["etcd", "etcdctl"] {
            let path = "\(LabDirectory.path)/etcd/\(release.rawValue)/\(program)"
            guard Files.exists(path) else { throw LabError("\(path) is missing: run packaging/etcd") }
            try await member.copyIn(path, to: "/usr/local/bin/\(program)", mode: "755")
        }
        try await member.write(Etcd.unit, to: Etcd.unitPath)
        try await configure(member, cluster: cluster, state: state)
        try await member.shell("systemctl daemon-reload && systemctl enable --quiet --now etcd.service")
    }

    private func configure(_ member: Machine, cluster: String, state: String) async throws {
        let client = Etcd.clientURL(member), peer = Etcd.peerURL(member)
        let settings = [
            "NAME=\(member.name)", "DATA_DIR=\(Etcd.dataPath)",
            // Loopback too: a machine whose cable is cut still reaches its own member.
            "LISTEN_CLIENT_URLS=\(client),http://127.0.0.1:2379", "ADVERTISE_CLIENT_URLS=\(client)",
            "LISTEN_PEER_URLS=\(peer)", "INITIAL_ADVERTISE_PEER_URLS=\(peer)",
            "INITIAL_CLUSTER=\(cluster)", "INITIAL_CLUSTER_STATE=\(state)", "INITIAL_CLUSTER_TOKEN=fleet-lab",
            "AUTO_COMPACTION_MODE=periodic", "AUTO_COMPACTION_RETENTION=1h", "LOG_LEVEL=warn",
        ]
        try await member.write(settings.map { "ETCD_\($0)\n" }.joined(), to: Etcd.settingsPath)
    }

    private static func clientURL(_ member: Machine) -> String { "http://\(member.address):2379" }
    private static func peerURL(_ member: Machine) -> String { "http://\(member.address):2380" }

    private static func initialCluster(_ members: [Machine]) -> String {
        members.map { "\($0.name)=\(peerURL($0))" }.joined(separator: ",")
    }
}
