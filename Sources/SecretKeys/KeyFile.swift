import FleetModel
import FleetRuntime
import FoundationEssentials
import Glibc

/// The file with this machine's keys: one per line, `ID:BASE64`, the one that seals first. Comments begin in `#`.
///
/// Only root may read it, or it is not used: keys that somebody else could have read keep nothing secret.
struct KeyFile {
    var keys: [(id: SecretKeyID, bytes: [UInt8])]

    /// nil when there is no file at `path`.
    static func read(_ path: String) throws(SecretBoxError) -> KeyFile? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SecretBoxError(.badFile, "\(path) cannot be read: error \(errno)")
        }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw SecretBoxError(.badFile, "\(path) is not a file")
        }
        guard facts.st_mode & 0o077 == 0, facts.st_uid == geteuid() else {
            throw SecretBoxError(
                .badFile,
                "\(path) can be read or written by others than root, so its keys are not used: chown root and chmod 600, "
                    + "and take new keys if somebody may have read them"
            )
        }
        return try parse(try text(of: file, path), path)
    }

    static func parse(_ text: String, _ path: String) throws(SecretBoxError) -> KeyFile {
        var keys: [(id: SecretKeyID, bytes: [UInt8])] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.filter { !$0.isWhitespace }
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: ":", maxSplits: 1)
            // What is wrong with a line is told without the line.
            guard parts.count == 2, let id = SecretKeyID(parts[0]), let data = Data(base64Encoded: String(parts[1])),
                data.count == SecretKeyID.keyBytes
            else {
                throw SecretBoxError(
                    .badFile,
                    "\(path):\(index + 1): this is no key; 'fleetctl secret key new' prints such a line"
                )
            }
            guard SecretKeyID(ofKey: Array(data)) == id else {
                throw SecretBoxError(.badFile, "\(path):\(index + 1): the key is not the one that its id \(id) names")
            }
            guard !keys.contains(where: { $0.id == id }) else { continue }
            keys.append((id, Array(data)))
        }
        return KeyFile(keys: keys)
    }

    /// Writes a file with one key, whole or not at all, and synced: what is sealed next can be opened after a crash.
    static func write(_ key: [UInt8], to path: String) throws(SecretBoxError) {
        let draft = path + ".new"
        let line = "\(SecretKeyID(ofKey: key)):\(Data(key).base64EncodedString())\n"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SecretBoxError(.badFile, "\(draft) cannot be made: error \(errno)") }
        let bytes = Array(line.utf8)
        let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        let isWhole = count == bytes.count && fchmod(file, 0o600) == 0 && fsync(file) == 0
        close(file)
        // A link, not a rename: a file that has come meanwhile stays.
        guard isWhole, link(draft, path) == 0 else {
            let code = errno
            _ = unlink(draft)
            throw SecretBoxError(.badFile, "\(path) cannot be made: error \(code)")
        }
        _ = unlink(draft)
        syncFolder(of: path)
    }

    private static func syncFolder(of path: String) {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    /// More keys than this is no file of keys.
    private static let maximumBytes = 64 << 10

    private static func text(of file: Int32, _ path: String) throws(SecretBoxError) -> String {
        var bytes = [UInt8](repeating: 0, count: maximumBytes)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress.map { $0 + length }, buffer.count - length)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SecretBoxError(.badFile, "\(path) cannot be read: error \(errno)") }
            if count == 0 { return String(decoding: bytes[..<length], as: UTF8.self) }
            length += count
        }
        throw SecretBoxError(.badFile, "\(path) has more than \(maximumBytes) bytes: it is no file of keys")
    }
}
