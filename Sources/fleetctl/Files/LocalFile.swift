import FleetModel
import Glibc

/// A unit file on this machine's disk.
struct LocalFile: Hashable, Sendable {
    var path: String
    var text: String

    /// Reads the file at `path`; nil when there is none.
    static func read(_ path: String) throws(Failure) -> LocalFile? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return nil }
            throw Failure("\(path): cannot be read: \(Process.message(of: code))")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else {
            throw Failure("\(path): cannot be read: \(Process.message(of: errno))")
        }
        // A directory of a unit's name is not its file; a pipe is (`fleetctl submit <(...)` has no unit's name anyway).
        guard facts.st_mode & S_IFMT != S_IFDIR else { return nil }
        let bytes = try contents(descriptor, path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("\(path):\(badLine(in: bytes)): the line is not UTF-8 text")
        }
        return LocalFile(path: path, text: text)
    }

    private static func contents(_ descriptor: Int32, _ path: String) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure("\(path): cannot be read: \(Process.message(of: errno))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= Limits.unitFileBytes else {
                throw Failure("\(path): a unit file has at most \(Limits.unitFileBytes) bytes")
            }
        }
    }

    private static func badLine(in bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
        return (bad ?? 0) + 1
    }
}
