package import FleetRuntime
import Foundation
import Glibc
import Synchronization

/// One member of a cluster: an address of its own on the loopback network, a folder, and a process that can be killed,
/// stopped and started again.
package final class EtcdMember: Sendable {
    package let name: String
    package let address: EtcdAddress
    package let endpoint: EtcdEndpoint
    private let program: EtcdProgram
    private let folder: String
    private let extraArguments: [String]
    private let process: Mutex<SupervisedProcess?> = Mutex(nil)

    init(_ name: String, _ program: EtcdProgram, at address: EtcdAddress, folder: String, tls: EtcdCertificates?) {
        self.name = name
        self.program = program
        self.folder = folder
        self.address = address
        endpoint = EtcdEndpoint(usesTLS: tls != nil, host: address.name, port: address.clientPort)
        extraArguments = tls?.memberArguments ?? []
    }

    package var log: String { "\(folder)/\(name).log" }
    package var peerURL: String { "http://\(address.address):\(address.peerPort)" }
    private var listenURL: String {
        "\(endpoint.usesTLS ? "https" : "http")://\(address.address):\(address.clientPort)"
    }
    package var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Starts the process; its data are those of the last time.
    ///
    /// Its time-outs are a half of etcd's own, so that fail-over takes tests less time and leases may be a second long.
    func start(cluster: String, token: String, arguments: [String]) throws {
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            throw EtcdLabError("\(program.path) is missing: run packaging/etcd")
        }
        let command = [
            program.path, "--name", name, "--data-dir", "\(folder)/\(name)", "--listen-client-urls", listenURL,
            "--advertise-client-urls", "\(endpoint)", "--listen-peer-urls", peerURL,
            "--initial-advertise-peer-urls", peerURL, "--initial-cluster", cluster,
            "--initial-cluster-token", token, "--heartbeat-interval", "50", "--election-timeout", "500",
            "--log-level", "warn",
        ]
        let started = try SupervisedProcess(command + extraArguments + arguments, log: log, folder: folder)
        process.withLock { $0 = started }
    }

    package func kill() {
        let old = process.withLock { process in
            defer { process = nil }
            return process
        }
        old?.end()
    }

    package func pause() { process.withLock { $0?.signal(SIGSTOP) } }
    package func resume() { process.withLock { $0?.signal(SIGCONT) } }
}
