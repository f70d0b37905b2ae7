import FleetRuntime

extension Connection {
    /// Settings of the writing connection, and the checks that say whether this file is a registry we can use.
    func setUp(file: StoreFile, tuning: StoreTuning) throws {
        try checkKind(file)
        try setUpMemory(tuning)
        guard try text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StoreError(
                .unavailable,
                "The registry '\(file.path)' cannot use a write-ahead log: its file system must be a local one."
            )
        }
        try execute("PRAGMA journal_size_limit = \(tuning.logBytes)")
        // Whoever turns the log on may also lower this; so it comes last and is read back.
        try execute("PRAGMA synchronous = FULL")
        guard try number("PRAGMA synchronous") == 2 else {
            throw StoreError(.unavailable, "SQLite refuses to sync every commit of '\(file.path)'.")
        }
        let verdict = try text("PRAGMA quick_check(1)")
        guard verdict == "ok" else { throw file.failure.damaged(verdict ?? "its check answers nothing") }
        // The check has read every page.
        try execute("PRAGMA shrink_memory")
    }

    /// Little memory: see `StoreTuning.pageCacheKibibytes`. A mapped file would count as resident.
    func setUpMemory(_ tuning: StoreTuning) throws {
        try execute(
            "PRAGMA cache_size = -\(tuning.pageCacheKibibytes); PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY"
        )
    }

    private func checkKind(_ file: StoreFile) throws {
        guard try number("PRAGMA application_id") == Schema.applicationID else {
            throw StoreError(
                .invalid,
                "'\(file.path)' is an SQLite database, but not a fleet registry; move it away or use another path."
            )
        }
        guard let format = try number(Schema.storedFormat) else { throw file.failure.damaged("it has no format") }
        guard format <= Schema.format else {
            throw StoreError(
                .newerFormat,
                "The registry '\(file.path)' was written by a newer fleetd: it has format \(format), this one reads up "
                    + "to \(Schema.format). Install that version again. Nothing was changed."
            )
        }
    }
}
