import EtcdLab
import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import Testing

@testable import EtcdStore

@Suite(.timeLimit(.minutes(4)))
struct TLSTests {
    /// One member with TLS, client certificates required.
    private func withMember(
        _ program: EtcdProgram,
        at address: EtcdAddress = .fresh(),
        names: [String]? = nil,
        isExpired: Bool = false,
        checksHealth: Bool = true,
        _ body: (EtcdCluster, EtcdCertificates) async throws -> Void
    ) async throws {
        let names = names ?? ["IP:\(address.address)"]
        let certificates = try await EtcdCertificates(names: names)
        defer { certificates.remove() }
        if isExpired { try await certificates.make("member", names: names, isExpired: true) }
        try await EtcdCluster.with(program, at: [address], certificates: certificates, checksHealth: checksHealth) {
            try await body($0, certificates)
        }
    }

    private func problem(
        _ cluster: EtcdCluster,
        _ change: (inout EtcdSettings) -> Void = { _ in }
    ) async throws -> String {
        let store = try cluster.store(timeout: .milliseconds(800), change)
        let error = await failure { _ = try await store.list() }
        await store.close()
        #expect(error?.code == .unavailable)
        return error?.message ?? "none"
    }

    @Test(arguments: EtcdProgram.allCases)
    func `certificates are checked in both directions`(_ program: EtcdProgram) async throws {
        try await withMember(program) { cluster, certificates in
            let store = try cluster.store()
            let start = try await store.change(put("k", "1"))
            for try await batch in store.watch(.prefix("k"), from: start) {
                #expect(batch.revision == start)
                break
            }
            await store.close()

            let bare = try await problem(cluster) { ($0.certificateFile, $0.keyFile) = (nil, nil) }
            #expect(
                bare.contains("set etcd_certfile and etcd_keyfile") || bare.contains("client certificate"),
                "\(bare)"
            )

            let old = try await certificates.make("old", isExpired: true)
            let expired = try await problem(cluster) { ($0.certificateFile, $0.keyFile) = (old.certificate, old.key) }
            #expect(expired.contains("client certificate") && expired.contains("old.pem expired at"), "\(expired)")

            let others = try await EtcdCertificates(names: [])
            defer { others.remove() }
            let stranger = try await problem(cluster) {
                ($0.certificateFile, $0.keyFile) = (others.client.certificate, others.client.key)
            }
            #expect(stranger.contains("does not accept the client certificate"), "\(stranger)")

            let untrusting = try await problem(cluster) { $0.caFile = others.caFile }
            #expect(untrusting.contains("not signed by a CA of etcd_cafile"), "\(untrusting)")

            let system = try await problem(cluster) { $0.caFile = nil }
            #expect(system.contains("not signed by a CA"), "\(system)")

            let plain = try await problem(cluster) { settings in
                settings.endpoints = settings.endpoints.map {
                    EtcdEndpoint(usesTLS: false, host: $0.host, port: $0.port)
                }
            }
            #expect(plain.contains("https://"), "\(plain)")
        }
    }

    @Test func `the certificate must be for the name or address of etcd_servers`() async throws {
        let program = EtcdProgram.trixie
        try await withMember(program, at: .localhost(), names: ["DNS:localhost"], checksHealth: false) { cluster, _ in
            let store = try cluster.store()
            try await eventually("it is up") { await store.commit(put("k", "1")).error == nil }
            await store.close()
            let byAddress = try await problem(cluster) { settings in
                settings.endpoints = settings.endpoints.map {
                    EtcdEndpoint(usesTLS: true, host: "127.0.0.1", port: $0.port)
                }
            }
            #expect(byAddress.contains("for other names"), "\(byAddress)")
        }
        try await withMember(program, names: ["IP:127.0.0.1", "DNS:etcd.example"], checksHealth: false) { cluster, _ in
            try await eventually("its names are looked at") {
                try await problem(cluster).contains("for other names")
            }
        }
    }

    @Test func `an expired certificate of a member is not accepted`() async throws {
        try await withMember(.trixie, isExpired: true, checksHealth: false) { cluster, _ in
            try await eventually("its dates are looked at") {
                try await problem(cluster).contains("not valid today")
            }
        }
    }

    @Test func `renewed certificates are used from the next connection on`() async throws {
        try await withMember(.trixie) { cluster, certificates in
            let store = try cluster.store(timeout: .milliseconds(800))
            try await store.change(put("k", "1"))
            try await certificates.make("client", isExpired: true)
            try await store.change(put("k", "2"))
            cluster.members[0].kill()
            try cluster.start(cluster.members[0])
            try await eventually("the expired one is used") {
                await failure { _ = try await store.list() }?.message.contains("client.pem expired at") == true
            }
            try await certificates.make("client")
            #expect(try await store.list("k") == ["k=2"])
            await store.close()
        }
    }

    @Test func `a member that speaks no TLS is named`() async throws {
        try await EtcdCluster.with(.trixie, size: 1) { cluster in
            let text = try await problem(cluster) { settings in
                settings.endpoints = settings.endpoints.map {
                    EtcdEndpoint(usesTLS: true, host: $0.host, port: $0.port)
                }
            }
            #expect(text.contains("write http:// in etcd_servers"), "\(text)")
        }
    }

    @Test func `files that cannot be used are named at once`() async throws {
        let certificates = try await EtcdCertificates(names: [])
        defer { certificates.remove() }
        let table: [((inout EtcdSettings) -> Void, String)] = [
            ({ $0.caFile = "/nowhere/ca.pem" }, "etcd_cafile: '/nowhere/ca.pem' cannot be read"),
            ({ $0.caFile = "/etc/passwd" }, "etcd_cafile: '/etc/passwd' is not in PEM format"),
            (
                { ($0.certificateFile, $0.keyFile) = (certificates.client.certificate, "/nowhere/key") },
                "etcd_keyfile: '/nowhere/key' cannot be read"
            ),
            (
                { ($0.certificateFile, $0.keyFile) = (certificates.client.certificate, certificates.member.key) },
                "cannot be used together"
            ),
        ]
        for (change, expected) in table {
            var settings = EtcdSettings(endpoints: [EtcdEndpoint(usesTLS: true, host: "127.0.0.1", port: 1)])
            change(&settings)
            let error = #expect(throws: StoreError.self) { try EtcdStore.open(settings, logger: quiet) }
            #expect(
                error?.code == .invalid && error?.message.contains(expected) == true,
                "\(String(describing: error))"
            )
        }
    }
}
