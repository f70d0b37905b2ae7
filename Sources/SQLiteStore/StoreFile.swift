import FleetRuntime
import Glibc

/// The registry's file on disk, before SQLite has it open. Nothing here may run afterwards: closing any descriptor of
/// a file gives up all of the process's fcntl(2) locks on it, SQLite's too.
struct StoreFile: Sendable {
    let path: String

    var failure: StoreFailure { StoreFailure(path: path) }
    var lockPath: String { path + ".lock" }

    /// Makes the file if there is none, and sees to its mode. An existing file is never taken for a new registry,
    /// however empty it is.
    func prepare() throws {
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw StoreError(.invalid, "The registry '\(path)' is not a regular file; move it away.")
            }
            guard status.st_size > 0 else { throw failure.damaged("it is empty") }
            if status.st_mode & 0o777 != 0o600 { try check(chmod(path, 0o600), "change the mode of") }
            return
        }
        guard errno == ENOENT else { throw cannot("look at") }
        guard access(path + "-wal", F_OK) != 0 else {
            throw failure.damaged("its log '\(path)-wal' is there, but the file itself is missing")
        }
        try create()
    }

    /// The file gets its name when it is whole and on the disk, so that a crash leaves no file or a registry.
    private func create() throws {
        let draft = path + ".new"
        for leftover in [draft, draft + "-journal"] where unlink(leftover) != 0 && errno != ENOENT {
            throw cannot("replace the unfinished")
        }
        let descriptor = Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw cannot("create") }
        close(descriptor)
        try fill(draft)
        try check(rename(draft, path), "create")
        try syncDirectory()
    }

    private func fill(_ draft: String) throws {
        let connection = try Connection(path: draft, mode: .readWrite)
        try connection.execute("PRAGMA synchronous = FULL; BEGIN; " + Schema.create + "COMMIT;")
    }

    /// Makes the names of the file and of its log survive a power cut.
    func syncDirectory() throws {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw cannot("open the directory of") }
        defer { close(descriptor) }
        try check(fsync(descriptor), "sync the directory of")
    }

    private func check(_ result: Int32, _ what: String) throws {
        guard result == 0 else { throw cannot(what) }
    }

    private func cannot(_ what: String) -> StoreError {
        let code = errno
        return StoreError(
            code == ENOSPC || code == EDQUOT ? .full : .unavailable,
            "Cannot \(what) the registry '\(path)': \(systemError(code))."
        )
    }
}
