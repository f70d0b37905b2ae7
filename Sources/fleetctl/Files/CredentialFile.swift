import FleetModel
import Glibc

/// The bytes of a config or secret, of any kind, on their way from a file and to standard output.
enum CredentialFile {
    /// Reads `path`, or `input` for `-`.
    static func read(_ path: String, kind: CredentialKind, input: Int32) throws(Failure) -> [UInt8] {
        guard path != "-" else { return try contents(input, "standard input", kind) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            // Perhaps it was the secret itself: it is not printed again.
            if errno == ENOENT, kind == .secret, !path.contains("/") {
                throw .usage(
                    "secret set needs a FILE, or - for standard input, and there is no file of the given name; a secret "
                        + "on the command line is visible to everybody on this machine"
                )
            }
            throw Failure("\(path): cannot be read: \(Process.message(of: errno))")
        }
        defer { close(descriptor) }
        return try contents(descriptor, path, kind)
    }

    static func write(_ bytes: [UInt8], to output: Int32) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure("standard output: \(Process.message(of: errno))") }
            rest = rest.dropFirst(count)
        }
    }

    private static func contents(
        _ descriptor: Int32,
        _ path: String,
        _ kind: CredentialKind
    ) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure("\(path): cannot be read: \(Process.message(of: errno))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= Limits.credentialBytes else {
                throw Failure("\(path): a \(kind.rawValue) has at most \(Limits.credentialBytes) bytes")
            }
        }
    }
}
