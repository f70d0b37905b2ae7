import FleetRuntime
import GRDBSQLite

/// Says what went wrong with the file at `path` in the words of the port, and whether a failed COMMIT may nevertheless
/// have reached the disk.
struct StoreFailure: Sendable {
    let path: String

    /// What a person does about a damaged file. Moving the log with it matters: SQLite would apply a log that was left
    /// behind to whatever file has the name next.
    private var wayOut: String {
        "Stop fleetd, move '\(path)' and '\(path)-wal' away together (running units are not touched), then either put "
            + "a backup in their place or start fleetd with an empty registry and submit the units again."
    }

    func damaged(_ what: String) -> StoreError {
        StoreError(.corrupt, "The registry '\(path)' is damaged: \(what). \(wayOut)")
    }

    /// The error for whatever a statement threw.
    func error(_ error: any Error) -> StoreError {
        if let known = error as? StoreError { return known }
        guard let failure = error as? SQLiteFailure else {
            return StoreError(.unavailable, "The registry '\(path)' cannot be used: \(error)")
        }
        switch failure.kind {
        case SQLITE_FULL:
            return full
        case SQLITE_IOERR where failure.code == Self.noSharedMemory:
            return full
        case SQLITE_IOERR where failure.code == Self.failedWrite:
            return StoreError(
                .unavailable,
                "The registry '\(path)' could not be written, and nothing was changed: look for a quota, a limit on "
                    + "file sizes (LimitFSIZE=) or disk errors in the kernel's log."
            )
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT:
            return damaged(failure.message)
        case SQLITE_IOERR where failure.code == Self.shortRead:
            return damaged("it is shorter than it should be")
        case SQLITE_BUSY, SQLITE_LOCKED:
            return StoreError(
                .unavailable,
                "The registry '\(path)' is locked by another program, the sqlite3 shell or a backup perhaps; end it."
            )
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_AUTH:
            return StoreError(
                .unavailable,
                "The registry '\(path)' cannot be opened for writing (\(failure.message)): check its owner, its mode "
                    + "and whether the file system is mounted read-only."
            )
        default:
            return StoreError(
                .unavailable,
                "The registry '\(path)' cannot be read or written (\(failure.message), code \(failure.code)): "
                    + "look for disk errors in the kernel's log."
            )
        }
    }

    // Extended codes are macros with arithmetic, which Swift does not import.
    private static let shortRead = SQLITE_IOERR | (2 << 8)
    /// A write that failed for another reason than ENOSPC, which is `SQLITE_FULL`.
    private static let failedWrite = SQLITE_IOERR | (3 << 8)
    /// The log's index could not grow, which is a file beside it.
    private static let noSharedMemory = SQLITE_IOERR | (19 << 8)

    private var full: StoreError {
        StoreError(.full, "No space is left for the registry '\(path)'. Nothing was changed; make room and try again.")
    }

    /// What became of a transaction whose COMMIT failed.
    ///
    /// A write that failed leaves the log without the frame that carries the commit mark, so nothing happened. A sync
    /// that failed leaves a complete log that may or may not be on the disk: after a power cut it counts or does not.
    func outcome(ofFailedCommit error: any Error) -> CommitOutcome {
        let described = self.error(error)
        guard let failure = error as? SQLiteFailure, failure.kind == SQLITE_IOERR else { return .refused(described) }
        return failure.code == Self.failedWrite || described.code == .full ? .refused(described) : .unknown(described)
    }
}
