import FleetRuntime
import FoundationEssentials
import NIOCore
import NIOSSL

/// The certificates and keys of fleet.conf, read anew for every connection.
struct TLSFiles: Sendable {
    let caFile: String?
    let certificateFile: String?
    let keyFile: String?

    init(_ settings: EtcdSettings) {
        caFile = settings.caFile
        certificateFile = settings.certificateFile
        keyFile = settings.keyFile
    }

    /// Throws a `TLSFailure` that names the file.
    func context() throws(TLSFailure) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["h2"]
        if let caFile {
            let certificates = try read(caFile, "etcd_cafile") { try NIOSSLCertificate.fromPEMFile($0) }
            configuration.trustRoots = .certificates(certificates)
        }
        if let certificateFile, let keyFile {
            let chain = try read(certificateFile, "etcd_certfile") { try NIOSSLCertificate.fromPEMFile($0) }
            let key = try read(keyFile, "etcd_keyfile") { try NIOSSLPrivateKey(file: $0, format: .pem) }
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSFailure("the files of etcd_certfile and etcd_keyfile cannot be used together: \(error)")
        }
    }

    /// What is wrong with the client certificate's dates, if anything: a member only says that it is bad.
    func datesProblem() -> String? {
        let now = Int(Date().timeIntervalSince1970)
        guard let certificateFile, let first = try? NIOSSLCertificate.fromPEMFile(certificateFile).first else {
            return nil
        }
        if first.notValidAfter < now { return "\(certificateFile) expired at \(Self.text(first.notValidAfter))" }
        if first.notValidBefore > now {
            return "\(certificateFile) is valid from \(Self.text(first.notValidBefore)) on"
        }
        return nil
    }

    static func text(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
    }

    private func read<Value>(
        _ path: String,
        _ key: String,
        _ body: (String) throws -> Value
    ) throws(TLSFailure) -> Value {
        do {
            return try body(path)
        } catch {
            let isReadable = FileManager.default.isReadableFile(atPath: path)
            let why = isReadable ? "is not in PEM format, or damaged" : "cannot be read; check its path and its mode"
            throw TLSFailure("\(key): '\(path)' \(why)")
        }
    }
}

/// Why TLS did not come about, and what to do.
struct TLSFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// BoringSSL's reasons (its err_data) in words; nil when `error` is not about TLS.
    static func describe(_ error: any Error) -> String? {
        let text = "\(error)"
        guard error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError else { return nil }
        if (error as? NIOSSLExtraError) == .failedToValidateHostname {
            return "its certificate is for other names: write a name of etcd_servers that is in it, or renew it"
        }
        for (reason, words) in reasons where text.contains(reason) { return words }
        return "TLS failed: \(text)"
    }

    private static let reasons: [(String, String)] = [
        ("CERTIFICATE_VERIFY_FAILED", untrusted),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS: write http:// in etcd_servers, or give etcd a certificate"),
        ("ALERT_CERTIFICATE_EXPIRED", "\(rejected): it has expired"),
        ("ALERT_CERTIFICATE_REQUIRED", "it wants a client certificate: set etcd_certfile and etcd_keyfile"),
        ("ALERT_UNKNOWN_CA", "\(rejected): it is not signed by a CA that etcd trusts (--trusted-ca-file)"),
        ("ALERT_BAD_CERTIFICATE", "\(rejected): it is expired, has no clientAuth usage, or etcd trusts another CA"),
        ("ALERT_CERTIFICATE_REVOKED", "\(rejected): it is revoked"),
        ("ALERT_CERTIFICATE_UNKNOWN", "\(rejected)"),
        (
            "EOF during handshake",
            "it ends the connection when TLS begins: if it has no certificate, write http:// in etcd_servers"
        ),
        ("uncleanShutdown", "it closed the connection"),
    ]

    private static let rejected = "it does not accept the client certificate"
    private static let untrusted =
        "its certificate is not signed by a CA of etcd_cafile (or, without one, of this system), or is not valid today"
}
