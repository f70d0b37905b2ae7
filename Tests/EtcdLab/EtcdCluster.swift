package import FleetRuntime
import Foundation

/// Real etcd for tests: members on the loopback network with their data in memory, gone when the test is over.
package final class EtcdCluster: Sendable {
    package let program: EtcdProgram
    package let members: [EtcdMember]
    private let folder: String
    private let certificates: EtcdCertificates?
    private let extraArguments: [String]
    private let token = UUID().uuidString
    private let slots: Int

    private init(
        _ program: EtcdProgram,
        at addresses: [EtcdAddress],
        folder: String,
        certificates: EtcdCertificates?,
        arguments: [String],
        slots: Int
    ) {
        self.slots = slots
        self.program = program
        self.folder = folder
        self.certificates = certificates
        extraArguments = arguments
        members = addresses.enumerated().map { index, address in
            EtcdMember("m\(index + 1)", program, at: address, folder: folder, tls: certificates)
        }
    }

    /// A new cluster that is ready. `end` it. Only one that is there for the whole run is `isShared`: the others wait
    /// until few enough of them are up.
    package static func start(
        _ program: EtcdProgram,
        at addresses: [EtcdAddress],
        certificates: EtcdCertificates? = nil,
        arguments: [String] = [],
        checksHealth: Bool = true,
        isShared: Bool = false
    ) async throws -> EtcdCluster {
        let cluster = EtcdCluster(
            program,
            at: addresses,
            folder: try TestFolder.make("etcd"),
            certificates: certificates,
            arguments: arguments,
            slots: isShared ? 0 : addresses.count
        )
        await Slots.members.take(cluster.slots)
        do {
            for member in cluster.members { try cluster.start(member) }
            if checksHealth { try await cluster.untilReady() }
        } catch {
            cluster.end()
            throw error
        }
        return cluster
    }

    package static func with<Result>(
        _ program: EtcdProgram,
        size: Int,
        arguments: [String] = [],
        _ body: (EtcdCluster) async throws -> Result
    ) async throws -> Result {
        try await with(program, at: (1...size).map { _ in .fresh() }, arguments: arguments, body)
    }

    package static func with<Result>(
        _ program: EtcdProgram,
        at addresses: [EtcdAddress],
        certificates: EtcdCertificates? = nil,
        arguments: [String] = [],
        checksHealth: Bool = true,
        _ body: (EtcdCluster) async throws -> Result
    ) async throws -> Result {
        let cluster = try await start(
            program,
            at: addresses,
            certificates: certificates,
            arguments: arguments,
            checksHealth: checksHealth
        )
        defer { cluster.end() }
        return try await body(cluster)
    }

    /// How a store reaches it.
    package var settings: EtcdSettings {
        var settings = EtcdSettings(endpoints: members.map(\.endpoint))
        settings.caFile = certificates?.caFile
        settings.certificateFile = certificates?.client.certificate
        settings.keyFile = certificates?.client.key
        return settings
    }

    package func start(_ member: EtcdMember) throws {
        try member.start(
            cluster: members.map { "\($0.name)=\($0.peerURL)" }.joined(separator: ","),
            token: token,
            arguments: extraArguments
        )
    }

    package func end() {
        for member in members { member.kill() }
        Slots.members.giveBack(slots)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Runs etcdctl and returns what it says.
    @discardableResult
    package func control(
        _ arguments: String...,
        member: Int? = nil,
        login: String? = nil,
        input: String? = nil
    ) async throws -> String {
        let endpoints = member.map { [members[$0]] } ?? members
        var words = ["--endpoints", endpoints.map { "\($0.endpoint)" }.joined(separator: ",")]
        words += certificates?.controlArguments ?? []
        if let login { words += ["--user", login] }
        return try await Command.run(
            [program.controlPath] + words + arguments,
            environment: ["ETCDCTL_API": "3"],
            input: input
        )
    }

    /// Saves a backup of the first member, and returns where.
    package func backUp() async throws -> String {
        let file = "\(folder)/backup-\(UUID()).db"
        try await control("snapshot", "save", file, member: 0)
        return file
    }

    /// The one member there is goes on with what is in `backup`.
    package func restore(_ backup: String) async throws {
        let member = members[0]
        member.kill()
        try FileManager.default.removeItem(atPath: "\(folder)/\(member.name)")
        let words = [
            program.controlPath, "snapshot", "restore", backup, "--name", member.name,
            "--data-dir", "\(folder)/\(member.name)", "--initial-cluster", "\(member.name)=\(member.peerURL)",
            "--initial-cluster-token", token, "--initial-advertise-peer-urls", member.peerURL,
        ]
        try await Command.run(words, environment: ["ETCDCTL_API": "3"])
        try start(member)
        try await untilReady()
    }

    /// Which member leads, by its index; nil while none does.
    package func leader() async throws -> Int? {
        for index in members.indices {
            let line = try await control("endpoint", "status", "-w", "json", member: index)
            let numbers = { (key: String) -> Substring? in
                line.range(of: "\"\(key)\":").map { line[$0.upperBound...].prefix(while: \.isNumber) }
            }
            if numbers("leader") != nil, numbers("leader") == numbers("member_id") { return index }
        }
        return nil
    }

    /// Waits until every member answers.
    package func untilReady() async throws {
        try await eventually("etcd is healthy: \(members.map(\.logText))", within: .seconds(30)) {
            (try? await control("endpoint", "health", "--dial-timeout=1s", "--command-timeout=2s")) != nil
        }
    }
}
