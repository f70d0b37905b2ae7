import Foundation

/// A CA made for one test, with certificates for members and clients.
package struct EtcdCertificates: Sendable {
    /// A certificate and its key.
    package struct Pair: Sendable {
        package var certificate: String
        package var key: String
    }

    package let folder: String
    package let caFile: String
    /// What the members show; it is for any address of 127.0.0.0/8 that `hosts` names.
    package private(set) var member: Pair
    package private(set) var client: Pair
    package var wantsClientCertificates = true

    /// Makes all of it in a folder of its own; `remove` it. `names` are the subject alternative names of the members.
    package init(names: [String]) async throws {
        folder = try TestFolder.make("tls")
        caFile = "\(folder)/ca.pem"
        member = Pair(certificate: "\(folder)/member.pem", key: "\(folder)/member.key")
        client = Pair(certificate: "\(folder)/client.pem", key: "\(folder)/client.key")
        try await openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            "\(folder)/ca.key",
            "-out",
            caFile,
            "-subj",
            "/CN=test CA"
        )
        try await make("member", names: names)
        try await make("client")
    }

    package func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// A certificate of this CA, valid now or, if `isExpired`, until yesterday; it replaces one of the same name.
    @discardableResult
    package func make(_ name: String, names: [String] = [], isExpired: Bool = false) async throws -> Pair {
        let pair = Pair(certificate: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
        let request = "\(folder)/\(name).csr"
        let extensions = "\(folder)/\(name).ext"
        var lines = "extendedKeyUsage=serverAuth,clientAuth\n"
        if !names.isEmpty { lines += "subjectAltName=\(names.joined(separator: ","))\n" }
        try lines.write(toFile: extensions, atomically: true, encoding: .utf8)
        try await openssl(
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            pair.key,
            "-out",
            request,
            "-subj",
            "/CN=\(name)"
        )
        // OpenSSL's `x509 -req` takes negative days: such a certificate ended before it began.
        try await openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            caFile,
            "-CAkey",
            "\(folder)/ca.key",
            "-CAcreateserial",
            "-days",
            isExpired ? "-1" : "2",
            "-extfile",
            extensions,
            "-out",
            pair.certificate
        )
        return pair
    }

    var memberArguments: [String] {
        ["--cert-file", member.certificate, "--key-file", member.key]
            + (wantsClientCertificates ? ["--client-cert-auth", "--trusted-ca-file", caFile] : [])
    }

    var controlArguments: [String] {
        ["--cacert", caFile, "--cert", client.certificate, "--key", client.key]
    }

    private func openssl(_ words: String...) async throws {
        try await Command.run(["/usr/bin/openssl"] + words)
    }
}
